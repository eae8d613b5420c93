import Glibc

/// Bytes read from a file, in as few pieces as they lie in memory; holds that memory while it lives.
public struct FileData: Sendable {
    private struct Piece: Sendable {
        let memory: PooledBuffer
        let offset: Int
        let count: Int
    }

    private var pieces: [Piece] = []
    /// Bytes in all.
    public private(set) var count = 0

    /// No bytes: the end of the file.
    public init() {}

    package init(_ memory: PooledBuffer, _ offset: Int, _ count: Int) {
        append(memory, offset, count)
    }

    package mutating func append(_ memory: PooledBuffer, _ offset: Int, _ count: Int) {
        precondition(offset >= 0 && offset + count <= memory.count)
        guard count > 0 else { return }
        pieces.append(Piece(memory: memory, offset: offset, count: count))
        self.count += count
    }

    /// What `other` has, behind what is here.
    mutating func append(_ other: FileData) {
        pieces += other.pieces
        count += other.count
    }

    /// A few bytes, copied.
    mutating func append(_ bytes: [UInt8], from pool: BufferPool) {
        guard !bytes.isEmpty, let memory = pool.take(bytes.count) else { return }
        UnsafeMutableRawBufferPointer(start: memory.base, count: bytes.count).copyBytes(from: bytes)
        append(memory, 0, bytes.count)
    }

    /// `count` zeros, out of one region of zeros.
    mutating func appendZeros(_ count: Int, _ zeros: PooledBuffer) {
        var left = count
        while left > 0 {
            let part = min(left, zeros.count)
            append(zeros, 0, part)
            left -= part
        }
    }

    /// Calls `body` with the pieces in order; they are valid during the call.
    public func withUnsafeSegments<R>(_ body: ([UnsafeRawBufferPointer]) throws -> R) rethrows -> R {
        try withExtendedLifetime(pieces) {
            try body(pieces.map { UnsafeRawBufferPointer(start: $0.memory.base + $0.offset, count: $0.count) })
        }
    }

    /// Copies everything to `destination`, which has room for `count` bytes.
    public func copy(to destination: UnsafeMutableRawBufferPointer) {
        precondition(destination.count >= count)
        guard var target = destination.baseAddress else { return }
        for piece in pieces {
            memcpy(target, piece.memory.base + piece.offset, piece.count)
            target += piece.count
        }
    }

    /// A copy of everything.
    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            copy(to: UnsafeMutableRawBufferPointer(buffer))
            initialized = count
        }
    }
}
