import Protocol
import Testing

/// Bodies: encoded, decoded, through views and sum types, and every wrong length refused.
@Suite(.timeLimit(.minutes(2)))
struct BodyTests {
    @Test(arguments: ["shard", "cdc", "registry", "blocks", "log", "structs"])
    func bodies(_ file: String) throws {
        try VectorFile.run("\(file).jsonl") { line in
            let bytes = try line.member("hex").hex
            try codec(of: line).check(try line.member("value"), bytes)
            guard line.has("kind") else { return }
            let again = try throughSum(
                file, try line.member("direction").string, kind: try line.member("kind").integer(), bytes)
            try require(again == bytes, "sum type")
        }
    }

    @Test func negatives() throws {
        try VectorFile.run("negative.jsonl") { line in
            let codec = try codec(of: line)
            let bytes = try line.member("hex").hex
            let reason = try line.member("reason").string
            var isRefused = false
            do { try codec.decode(bytes) } catch is DecodeError { isRefused = true }
            try require(isRefused, reason)
        }
    }
}
