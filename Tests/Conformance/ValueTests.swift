import Protocol
import Testing

/// MACs, name hashes, identifiers, and the tables of kinds and errors.
@Suite(.timeLimit(.minutes(2)))
struct ValueTests {
    @Test func crypto() throws {
        try VectorFile.run("crypto.jsonl") { line in
            let secret = try SecretKey(decoding: try line.member("key").hex)
            let key = MACKey(secret)
            func service() throws -> BlockServiceID { try line.value("blockServiceId") }
            func block() throws -> BlockID { try line.value("blockId") }
            let result: [UInt8]
            switch try line.member("op").string {
            case "cbcmac":
                let data = try line.member("dataHex").hex
                result = try data.withUnsafeBytes { key.mac(of: $0) }.encoded()
                // The key must not remember anything of a message.
                try require(try data.withUnsafeBytes { key.mac(of: $0) }.encoded() == result, "second time")
            case "cookie":
                try require(try key.cookie(for: line.value("inodeId")).encoded() == line.member("cookie").hex, "cookie")
                return
            case "blockServiceIdFromKey":
                try require(BlockServiceID(secretKey: secret) == (try service()), "block service id")
                return
            case "writeCertificate":
                result = try key.writeCertificate(
                    blockService: service(), block: block(), crc: line.value("crc"), size: line.value("size")
                ).encoded()
            case "writeProof": result = try key.writeProof(blockService: service(), block: block()).encoded()
            case "eraseCertificate":
                result = try key.eraseCertificate(blockService: service(), block: block()).encoded()
            case "eraseProof": result = try key.eraseProof(blockService: service(), block: block()).encoded()
            case let other: throw JSON.Mismatch("an operation instead of \(other)")
            }
            try require(result == (try line.member("mac").hex), "MAC")
        }
    }

    @Test func nameHashes() throws {
        try VectorFile.run("namehash.jsonl") { line in
            let name = try line.member("nameHex").hex
            try require(NameHash(of: name).rawValue == (try line.member("hash").integer()), "hash")
        }
    }

    @Test func identifiers() throws {
        try VectorFile.run("ids.jsonl") { line in
            switch try line.member("op").string {
            case "inodeId":
                let id = InodeID(
                    type: try line.value("type"), shard: try line.value("shard"), index: try line.value("index"))
                try require(id == (try line.value("id")), "composing")
                try require(id.type == (try line.value("type")) && id.shard == (try line.value("shard")), "parts")
                try require(id.index == (try line.value("index")), "index")
                try require(try id.encoded() == (try line.member("wireHex").hex), "encoding")
            case "inodeIdExtra":
                let extra = InodeIDExtra(id: try line.value("id"), flag: try line.value("extra"))
                try require(extra == (try line.value("value")), "composing")
                try require(extra.id == (try line.value("id")) && extra.flag == (try line.value("extra")), "parts")
                try require(try extra.encoded() == (try line.member("wireHex").hex), "encoding")
            case "rootInode": try require(InodeID.root == (try line.value("id")), "root")
            case "nullInode": try require(InodeID.null == (try line.value("id")), "null")
            case "invalidInode":
                let bytes = try line.member("wireHex").hex
                try require((try? InodeID(decoding: bytes)) == nil, "decoded")
            case "shardReplicaId":
                let id = ShardReplicaID(shard: try line.value("shard"), replica: try line.value("replica"))
                try require(id == (try line.value("value")), "composing")
                try require(id.shard == (try line.value("shard")) && id.replica == (try line.value("replica")), "parts")
            case "leaderToken":
                let token = LeaderToken(replica: try line.value("replica"), index: try line.value("logIdx"))
                try require(token == (try line.value("value")), "composing")
                try require(token.index == (try line.value("logIdx")), "parts")
            case "parity":
                let parity = Parity(
                    data: try line.member("data").integer(), parity: try line.member("parity").integer())
                try require(parity.rawValue == (try line.value("byte")), "composing")
                try require(parity.blocks == (try line.member("blocks").integer()) && parity.isValid, "parts")
            case "blockIdSequence":
                var id: BlockID = try line.value("previous")
                for expected in try line.member("ids").elements {
                    id = id.next(at: try line.value("time"), shard: try line.value("shard"))
                    try require(id == (try BlockID(json: expected)), "sequence")
                }
            case let other: throw JSON.Mismatch("an operation instead of \(other)")
            }
        }
    }

    @Test func tables() throws {
        try VectorFile.run("tables.jsonl") { line in
            let name = try line.member("name").string
            if try line.member("table").string == "error" {
                try require(ProtocolError(rawValue: try line.value("code")).description == name, "error")
                return
            }
            let service = try line.member("service").string
            let kind = try line.member("kind").integer(UInt8.self)
            let known = try #require(Self.kind(service, kind))
            try require(known.name == name, "name")
            try require(known.request == (try line.member("requestMinSize").integer()), "request's size")
            try require(known.response == (try line.member("responseMinSize").integer()), "response's size")
            let message = try line.member("message").string
            let request = try codec(service, message, "request")
            let response = try codec(service, message, "response")
            try require(request.isFixed == (try line.value("requestFixed")), "request's kind of size")
            try require(response.isFixed == (try line.value("responseFixed")), "response's kind of size")
        }
    }

    private static func kind(_ service: String, _ kind: UInt8) -> (name: String, request: Int, response: Int)? {
        switch service {
        case "shard":
            ShardKind(rawValue: kind).map { ($0.description, $0.minimumRequestSize, $0.minimumResponseSize) }
        case "cdc": CdcKind(rawValue: kind).map { ($0.description, $0.minimumRequestSize, $0.minimumResponseSize) }
        case "registry":
            RegistryKind(rawValue: kind).map { ($0.description, $0.minimumRequestSize, $0.minimumResponseSize) }
        case "blocks":
            BlocksKind(rawValue: kind).map { ($0.description, $0.minimumRequestSize, $0.minimumResponseSize) }
        case "log": LogKind(rawValue: kind).map { ($0.description, $0.minimumRequestSize, $0.minimumResponseSize) }
        default: nil
        }
    }
}
