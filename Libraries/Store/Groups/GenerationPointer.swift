/// The record that says which generation of a group's state is the current one: version u8, number u32 big-endian.
/// There is none before the first switch: generation 0 is current then.
enum GenerationPointer {
    private static let version: UInt8 = 1
    private static let byteCount = 5

    static func encoded(_ generation: UInt32) -> [UInt8] {
        [version] + withUnsafeBytes(of: generation.bigEndian) { [UInt8]($0) }
    }

    /// - Throws: `.corruption`, when it is none, or one that only a later program understands.
    static func generation(from record: [UInt8]?) throws(StoreError) -> UInt32 {
        guard let record else { return 0 }
        guard record.first == version else {
            throw .corruption("the record of the current generation begins with \(record.prefix(1)), no known version")
        }
        guard record.count == byteCount else {
            throw .corruption("the record of the current generation has \(record.count) bytes")
        }
        return record.dropFirst().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
