/// A list of changes that a store carries out as a whole, in order: a later change to a key wins over an earlier one.
///
/// All changes lie in one buffer, so a batch that is emptied and used again allocates nothing.
public struct WriteBatch: Sendable, Equatable {
    /// One change of a batch, lent for the time of the call that receives it.
    public enum Change {
        case put(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)
        case delete(key: UnsafeRawBufferPointer)
        /// Deletes `lower ..< upper`, including what earlier changes of this batch put there.
        case deleteRange(lower: UnsafeRawBufferPointer, upper: UnsafeRawBufferPointer)
    }

    private enum Tag: UInt8 {
        case put, delete, deleteRange
    }

    // Per change: tag u8, length of the first part u32, length of the second u32, both parts.
    private var bytes: [UInt8] = []
    private static let headerSize = 9

    /// Number of changes.
    public private(set) var count = 0

    public init() {}

    public init(reservingBytes capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    public var isEmpty: Bool { count == 0 }

    /// Bytes that the changes take in memory: a measure for bounding batches.
    public var byteCount: Int { bytes.count }

    public mutating func put(_ key: [UInt8], _ value: [UInt8]) {
        key.withUnsafeBytes { key in value.withUnsafeBytes { append(.put, key, $0) } }
    }

    public mutating func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        append(.put, key, value)
    }

    public mutating func delete(_ key: [UInt8]) {
        key.withUnsafeBytes { append(.delete, $0, UnsafeRawBufferPointer(start: nil, count: 0)) }
    }

    public mutating func delete(_ key: UnsafeRawBufferPointer) {
        append(.delete, key, UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Deletes every key in `lower ..< upper`. Cheap to write, but it slows reads down until compacted: for rare large
    /// ranges.
    public mutating func deleteRange(from lower: [UInt8], upTo upper: [UInt8]) {
        lower.withUnsafeBytes { lower in upper.withUnsafeBytes { append(.deleteRange, lower, $0) } }
    }

    /// Appends the changes of `other` after those of this batch.
    public mutating func append(contentsOf other: WriteBatch) {
        bytes.append(contentsOf: other.bytes)
        count += other.count
    }

    public mutating func removeAll(keepingCapacity: Bool = true) {
        bytes.removeAll(keepingCapacity: keepingCapacity)
        count = 0
    }

    private mutating func append(_ tag: Tag, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) {
        // Keys and values are made by the cores; four gigabytes in one of them is our own mistake.
        precondition(first.count <= UInt32.max && second.count <= UInt32.max)
        var header = (UInt32(first.count).littleEndian, UInt32(second.count).littleEndian)
        bytes.append(tag.rawValue)
        withUnsafeBytes(of: &header) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: first)
        bytes.append(contentsOf: second)
        count += 1
    }

    private static func loadCount(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    /// Hands every change to `body` in order.
    public func forEach(_ body: (Change) -> Void) {
        bytes.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let tag = Tag(rawValue: bytes[offset])
                let firstCount = Self.loadCount(bytes, at: offset + 1)
                let secondCount = Self.loadCount(bytes, at: offset + 5)
                let middle = offset + Self.headerSize + firstCount
                let first = UnsafeRawBufferPointer(rebasing: bytes[(offset + Self.headerSize)..<middle])
                let second = UnsafeRawBufferPointer(rebasing: bytes[middle..<(middle + secondCount)])
                switch tag {
                case .put: body(.put(key: first, value: second))
                case .delete: body(.delete(key: first))
                case .deleteRange: body(.deleteRange(lower: first, upper: second))
                case nil: preconditionFailure("a batch holds only what append wrote")
                }
                offset = middle + secondCount
            }
        }
    }
}
