import Client
import Protocol
import TestSupport
import Testing

/// Random writes against a plain array of bytes as the model.
@Suite(.timeLimit(.minutes(2))) struct WriterModelTests {
    @Test(arguments: 0..<12) func randomWrites(seed: Int) async throws {
        let span = 256 << 10
        let (isRight, mismatch) = try await FakeCluster.run(largestSpan: UInt32(span), stripe: 32768) { cluster in
            var generator = SeededGenerator(seed: UInt64(seed))
            let writer = try await cluster.client.createFile(in: .root, note: [65])
            var model: [UInt8] = []
            for step in 0..<60 {
                let sealed = Int(await writer.sealedBytes)
                switch Int.random(in: 0..<10, using: &generator) {
                case 0:
                    let size = Int.random(in: sealed...(model.count + span / 4), using: &generator)
                    try await writer.truncate(to: UInt64(size))
                    if size < model.count { model.removeLast(model.count - size) }
                    model += Array(repeating: 0, count: size - model.count)
                case 1...3 where model.count > 0:
                    let offset = Int.random(in: 0..<model.count, using: &generator)
                    let count = Int.random(in: 1...50_000, using: &generator)
                    let read = try await readBack(writer, offset, count)
                    if read != Array(model[offset..<min(offset + count, model.count)]) {
                        return (false, "step \(step)")
                    }
                default:
                    let offset = Int.random(in: sealed...(max(sealed, model.count) + span / 8), using: &generator)
                    let bytes = FileRoundTripTests.content(
                        Int.random(in: 1...100_000, using: &generator), seed: UInt64(step))
                    try await writer.write(bytes, at: UInt64(offset))
                    if offset > model.count { model += Array(repeating: 0, count: offset - model.count) }
                    let end = min(model.count, offset + bytes.count)
                    model.replaceSubrange(offset..<end, with: bytes)
                }
            }
            _ = try await writer.finish(linkingIn: .root, name: [65])
            let read = try await FileRoundTripTests.readAll(writer.id, cluster, portion: 70_001)
            return (read == model, "at the end, \(read.count) of \(model.count) bytes")
        }
        #expect(isRight, "\(mismatch)")
    }

    private func readBack(_ writer: FileWriter, _ offset: Int, _ count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let part = try await writer.read(at: UInt64(offset + bytes.count), count: count - bytes.count)
            if part.count == 0 { break }
            bytes += part.bytes
        }
        return bytes
    }
}
