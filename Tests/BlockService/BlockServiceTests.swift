import Erasure
import Foundation
import Glibc
import Protocol
import Synchronization
import TestServices
import TestSupport
import Testing

/// The built `sterna-block` against a registry made for it, driven over TCP.
@Suite(.timeLimit(.minutes(2))) struct BlockServiceTests {
    // MARK: Registration

    @Test func registersItsDisksAndKeepsThem() throws {
        let service = try RunningService(["--count", "3", "--failure-domains", "2", "--class", "both"])
        let first = service.services
        #expect(first.count == 6 && Set(first.map(\.id)).count == 6)
        #expect(Set(first.map(\.failureDomain)) == [FailureDomain(name: "domain-0"), FailureDomain(name: "domain-1")])
        #expect(first.filter { $0.storageClass == .flash }.count == 3)
        let total = try #require(first.map(\.capacityBytes).max())
        #expect(total > 0 && first.allSatisfy { $0.availableBytes <= $0.capacityBytes })
        #expect(first.allSatisfy { $0.id == BlockServiceID(secretKey: $0.secretKey) && $0.addrs.addr2.port == 0 })
        #expect(service.terminate() == 0)
        try service.start()
        #expect(Set(service.services.map(\.id)) == Set(first.map(\.id)))
        #expect(Set(service.services.map(\.path)) == Set(first.map(\.path)))
    }

    @Test func refusesADiskInTheWrongDomain() throws {
        let service = try RunningService()
        let known = service.services[0]
        #expect(service.terminate() == 0)
        let registry = try FakeRegistry(blockServices: [known.asKnown(domain: "elsewhere")])
        let process = try RunningService.launch(service.root, registry, [])
        defer { registry.close() }
        #expect(try process.wait() != 0)
    }

    /// A write that comes within its window must not bring back what was erased before.
    @Test(arguments: ["0", "300"]) func refusesAnEraseDelayWithinTheWriteWindow(_ seconds: String) throws {
        let registry = try FakeRegistry()
        defer { registry.close() }
        let root = FileManager.default.temporaryDirectory.appending(path: "sterna-block-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: root) }
        let process = try RunningService.launch(root, registry, ["--erase-delay", seconds])
        #expect(try process.wait() == 64)
        #expect(!FileManager.default.fileExists(atPath: root))
    }

    @Test func decommissionedDisksAreNotServed() throws {
        let service = try RunningService()
        let known = service.services[0]
        #expect(service.terminate() == 0)
        let registry = try FakeRegistry(blockServices: [known.asKnown(flags: .decommissioned)])
        let process = try RunningService.launch(service.root, registry, [])
        defer {
            process.end(SIGKILL)
            registry.close()
        }
        let info = try registry.registration()[0]
        let client = BlockClient(try .connected(port: info.addrs.addr1.port), info)
        let fetch = FetchBlockRequest(blockId: BlockClient.block(), offset: 0, count: 4096)
        #expect(try client.error(of: fetch) == .blockServiceNotFound)
        #expect(try client.error(of: fetch) == .blockServiceNotFound)  // and the connection is kept
    }

    // MARK: Blocks

    @Test func writeFetchCheckErase() throws {
        let service = try RunningService(["--erase-delay", "0", "--unsafe-erase-delay"])
        let client = try service.client()
        for (number, size) in [4096, 8192, 1 << 20, 5 << 20].enumerated() {
            let (block, data) = (BlockClient.block(UInt64(number)), randomBytes(size))
            let proof = client.mac.writeProof(blockService: client.service.id, block: block)
            #expect(try client.write(block, data) == proof)
            #expect(try client.fetch(block, 0, UInt32(size)) == data)
            #expect(try client.fetchPages(block, 0, UInt32(size)) == pages(of: data))
            #expect(try client.fetch(block, UInt32(size - 4096), 4096) == Array(data.suffix(4096)))
            #expect(try client.fetchPages(block, 4096, UInt32(size - 4096)) == pages(of: Array(data.dropFirst(4096))))
            #expect(try client.fetch(block, 4096, 0) == [])
            try client.check(block, data)
            #expect(try client.fetchPageSums(block, UInt32(size)) == sums(of: data))
            let wrongSize = FetchPageSumsRequest(blockId: block, size: UInt32(size + 4096))
            #expect(try client.error(of: wrongSize) == .badBlockCrc)
            #expect(try client.write(block, data) == proof)  // once more: idempotent
            let erase = client.eraseRequest(block)
            for _ in 0..<2 {
                try client.socket.send(try client.bytes(erase))
                let gone = try client.response(to: erase).proof
                #expect(gone == client.mac.eraseProof(blockService: client.service.id, block: block))
            }
            let missing = FetchBlockRequest(blockId: block, offset: 0, count: 4096)
            #expect(try client.error(of: missing) == .blockNotFound)
        }
        #expect(service.files.isEmpty)
    }

    @Test func refusalsKeepTheStreamInStep() throws {
        let service = try RunningService()
        let client = try service.client()
        let data = randomBytes(256 * 1024)
        let block = BlockClient.block()
        var request = client.writeRequest(block, data)

        request.certificate = MAC(rawValue: 1)
        #expect(try client.error(of: request, data: data) == .badCertificate)
        request = client.writeRequest(block, data)
        #expect(try client.error(of: request, data: data, to: BlockServiceID(rawValue: 1)) == .blockServiceNotFound)
        let old = client.writeRequest(BlockClient.block(age: 310), data)
        #expect(try client.error(of: old, data: data) == .blockTooOldForWrite)
        let future = client.writeRequest(BlockClient.block(age: -23 * 3600), data)
        #expect(try client.error(of: future, data: data) == .malformedRequest)
        let odd = Array(data.prefix(5000))
        #expect(try client.error(of: client.writeRequest(block, odd), data: odd) == .badBlockCrc)
        var other = data
        other[70_000] ^= 4
        #expect(try client.error(of: request, data: other) == .badBlockCrc)
        #expect(service.files.isEmpty)

        _ = try client.write(block, data)
        #expect(try client.error(of: client.eraseRequest(block)) == .blockTooRecentForDeletion)
        // Numbers of a clock that was ahead: what can still be written has to wait, what cannot need not.
        let near = BlockClient.block(age: -21 * 3600)
        #expect(try client.error(of: client.eraseRequest(near)) == .blockTooRecentForDeletion)
        let far = client.eraseRequest(BlockClient.block(age: -30 * 86_400))
        try client.socket.send(try client.bytes(far))
        _ = try client.response(to: far)
        var erase = client.eraseRequest(block)
        erase.certificate = client.mac.eraseProof(blockService: client.service.id, block: block)
        #expect(try client.error(of: erase) == .badCertificate)
        for (offset, count) in [(1, 4096), (0, 4095), (0, 512 * 1024), (262144, 4096), (0xffff_f000, 8192)] {
            let fetch = FetchBlockRequest(blockId: block, offset: UInt32(offset), count: UInt32(count))
            #expect(try client.error(of: fetch) == .blockFetchOutOfBounds)
            let pages = FetchBlockWithCrcRequest(
                fileId: InodeID(rawValue: 0), blockId: block, blockCrc: .zero, offset: UInt32(offset),
                count: UInt32(count))
            #expect(try client.error(of: pages) == .blockFetchOutOfBounds)
        }
        let check = CheckBlockRequest(blockId: block, size: 4096, crc: .zero)
        #expect(try client.error(of: check) == .badBlockCrc)
        let missing = CheckBlockRequest(blockId: BlockID(rawValue: 9), size: 0, crc: .zero)
        #expect(try client.error(of: missing) == .blockNotFound)
        #expect(try client.fetch(block, 0, UInt32(data.count)) == data)
    }

    @Test func tooLargeIsAnsweredAndClosed() throws {
        let service = try RunningService()
        let client = try service.client()
        var request = client.writeRequest(BlockClient.block(), [])
        request.size = 101 << 20
        request.certificate = client.mac.writeCertificate(
            blockService: client.service.id, block: request.blockId, crc: request.crc, size: request.size)
        #expect(try client.error(of: request, data: randomBytes(100_000)) == .blockTooBig)
        #expect(client.socket.isClosedByPeer())
        let next = try service.client()
        #expect(try next.error(of: TestWriteRequest(size: .max)) == .blockTooBig)
        #expect(next.socket.isClosedByPeer())
    }

    @Test func trialsLeaveNothing() throws {
        let service = try RunningService()
        let client = try service.client()
        let request = TestWriteRequest(size: 1 << 20)
        try client.socket.send(try client.bytes(request) + randomBytes(1 << 20))
        _ = try client.response(to: request)
        #expect(service.files.isEmpty)
    }

    /// One trial write at a time for each disk: anybody may ask for one, and it fills the disk for as long as it takes.
    @Test func oneTrialWriteAtATime() throws {
        let service = try RunningService()
        let (first, second) = (try service.client(), try service.client())
        let size = 1 << 20
        let trial = TestWriteRequest(size: UInt64(size))
        // With the answer to what stands before it, the first one is under way.
        let check = CheckBlockRequest(blockId: BlockClient.block(9), size: 0, crc: .zero)
        try first.socket.send(try first.bytes(check) + first.bytes(trial))
        #expect(try first.error() == .blockNotFound)
        #expect(try second.error(of: trial, data: [UInt8](repeating: 2, count: size)) == .timeout)
        try first.socket.send([UInt8](repeating: 1, count: size))
        _ = try first.response(to: trial)
        // And when it is over the next may go, over the connection that was refused too.
        try second.socket.send(try second.bytes(trial) + [UInt8](repeating: 2, count: size))
        _ = try second.response(to: trial)
        #expect(service.files.isEmpty)
    }

    @Test func damageIsFoundByCheckAndSeenByReaders() throws {
        let service = try RunningService(["--small-block-bytes", "0"])
        let client = try service.client()
        let (block, data) = (BlockClient.block(), randomBytes(64 * 1024))
        _ = try client.write(block, data)
        let url = URL(filePath: "\(service.root)/\(try #require(service.files.first))")
        var stored = try Data(contentsOf: url)
        stored[20_000] ^= 1
        try stored.write(to: url)
        let request = CheckBlockRequest(blockId: block, size: UInt32(data.count), crc: CRC32C(of: data))
        #expect(try client.error(of: request) == .badBlockCrc)
        #expect(try client.fetchPages(block, 0, 65536) == Array(stored))
        try stored.prefix(4100 * 3).write(to: url)
        #expect(try client.error(of: request) == .badBlockCrc)
        let whole = FetchBlockRequest(blockId: block, offset: 0, count: 65536)
        #expect(try client.error(of: whole) == .blockFetchOutOfBounds)
        #expect(try client.fetch(block, 0, 8192) == Array(stored.prefix(4096) + stored[4100..<8196]))
    }

    // MARK: Streams

    @Test func manyPipelinedRequestsAreAnsweredInOrder() throws {
        let service = try RunningService(["--count", "2"])
        let (client, other) = (try service.client(0), service.services[1].id)
        let datas = (0..<8).map { _ in randomBytes(32 * 1024) }
        var stream: [UInt8] = []
        for (number, data) in datas.enumerated() {
            stream += try client.bytes(client.writeRequest(BlockClient.block(UInt64(number)), data)) + data
        }
        let blocks = (0..<8).map { BlockClient.block(UInt64($0)) }
        for round in 0..<64 {
            let request = FetchBlockRequest(blockId: blocks[round % 8], offset: 4096, count: 8192)
            stream += try client.bytes(request, to: round % 5 == 4 ? other : nil)
        }
        let socket = client.socket
        let sent = stream
        Thread.detachNewThread { try? socket.send(sent) }
        for _ in 0..<8 { #expect(try socket.receive(13)[4] == BlocksKind.writeBlock.rawValue) }
        for round in 0..<64 {
            if round % 5 == 4 {
                #expect(try client.error() == .blockNotFound)
            } else {
                #expect(try socket.receive(5)[4] == BlocksKind.fetchBlock.rawValue)
                #expect(try socket.receive(8192) == Array(datas[round % 8][4096..<12288]))
            }
        }
    }

    @Test func aTricklingSenderAndASlowReaderAreServed() throws {
        let service = try RunningService()
        let client = try service.client()
        let (block, data) = (BlockClient.block(), randomBytes(3 << 20))
        let request = client.writeRequest(block, data)
        let stream = try client.bytes(request) + data
        var sent = 0
        for piece in [1, 5, 8, 20, 3, 5000, 1, 4095, 100_000] {
            try client.socket.send(stream[sent..<sent + piece])
            sent += piece
            usleep(2000)
        }
        try client.socket.send(stream[sent...])
        _ = try client.response(to: request)
        let fetch = FetchBlockWithCrcRequest(
            fileId: InodeID(rawValue: 0), blockId: block, blockCrc: .zero, offset: 0, count: 3 << 20)
        let plain = FetchBlockRequest(blockId: block, offset: 0, count: 3 << 20)
        for _ in 0..<4 { try client.socket.send(try client.bytes(fetch) + client.bytes(plain)) }
        usleep(200_000)  // the socket's buffers fill meanwhile
        for _ in 0..<4 {
            _ = try client.response(to: fetch)
            #expect(try client.socket.receive(768 * 4100) == pages(of: data))
            _ = try client.response(to: plain)
            #expect(try client.socket.receive(3 << 20) == data)
        }
    }

    // MARK: Crashes

    @Test func acknowledgedBlocksSurviveAKill() throws {
        let service = try RunningService(["--count", "4"])
        let infos = service.services
        let process = service.process.identifier
        let acknowledged = Mutex<[(Int, BlockID, [UInt8])]>([])
        let writers = DispatchGroup()
        for writer in 0..<4 {
            writers.enter()
            Thread.detachNewThread {
                defer { writers.leave() }
                guard let socket = try? TestSocket.connected(port: infos[writer].addrs.addr1.port) else { return }
                let client = BlockClient(socket, infos[writer])
                for number in 0... {
                    let (block, data) = (BlockClient.block(UInt64(number)), randomBytes(64 * 1024))
                    guard (try? client.write(block, data)) != nil else { return }
                    let count = acknowledged.withLock { all in
                        all.append((writer, block, data))
                        return all.count
                    }
                    if count == 100 { kill(process, SIGKILL) }  // while the others are in the middle of theirs
                }
            }
        }
        #expect(writers.wait(timeout: .now() + 30) == .success)
        let blocks = acknowledged.withLock { $0 }
        #expect(try service.process.wait() == 128 + SIGKILL)
        #expect(blocks.count >= 100)
        try service.start()
        #expect(service.files.allSatisfy { !$0.contains("tmp.") })
        for (index, info) in infos.enumerated() {
            let position = try #require(service.services.firstIndex { $0.id == info.id })
            let client = try service.client(position)
            for (_, block, data) in blocks.filter({ $0.0 == index }) { try client.check(block, data) }
            #expect(Int(service.services[position].blocks) >= blocks.filter { $0.0 == index }.count)
        }
        #expect(service.terminate() == 0)
    }
}

extension RegisterBlockServiceInfo {
    /// As a registry shows it to others.
    func asKnown(domain: String? = nil, flags: BlockServiceFlags = []) -> BlockServiceDeprecatedInfo {
        BlockServiceDeprecatedInfo(
            id: id, addrs: addrs, storageClass: storageClass,
            failureDomain: domain.map(FailureDomain.init(name:)) ?? failureDomain, secretKey: secretKey, flags: flags,
            capacityBytes: capacityBytes, availableBytes: availableBytes, blocks: blocks, path: path, lastSeen: .zero,
            hasFiles: false, flagsLastChanged: .zero)
    }
}
