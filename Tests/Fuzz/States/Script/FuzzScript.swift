/// The bytes of one input, read as instructions. At the end everything reads as zero, so that a short input means
/// something, too.
struct FuzzScript {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func byte() -> UInt8 {
        guard position < bytes.count else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func word() -> UInt64 { (0..<8).reduce(0) { word, _ in word << 8 | UInt64(byte()) } }

    /// Up to as many bytes as the next one says.
    mutating func counted() -> [UInt8] {
        let count = min(Int(byte()), bytes.count - position)
        defer { position += count }
        return [UInt8](bytes[position..<position + count])
    }

    /// One of `choices`, nil when there are none. Counts from the end, so that 0 is what came last.
    mutating func pick<Choices: RandomAccessCollection>(_ choices: Choices) -> Choices.Element? {
        let number = Int(byte())
        guard !choices.isEmpty else { return nil }
        return choices[choices.index(choices.endIndex, offsetBy: -1 - number % choices.count)]
    }

    /// How far a clock jumps: a power of two nanoseconds, back when the byte's highest bit is set.
    mutating func clockChange() -> (nanoseconds: UInt64, isBack: Bool) {
        let byte = byte()
        return (1 << UInt64(byte & 0x7F) % 60, byte >= 0x80)
    }
}

extension UInt64 {
    /// A clock after a jump; between the epoch and the year 2116, as far as the operating systems below us go.
    mutating func jump(_ change: (nanoseconds: UInt64, isBack: Bool)) {
        let latest: UInt64 = 1 << 62
        let sum = change.isBack ? self - Swift.min(self, change.nanoseconds) : self + change.nanoseconds
        self = Swift.min(sum, latest)
    }
}
