import Glibc

/// The part of a file under construction that can still be changed: one span's bytes in memory.
///
/// Bytes may be written anywhere, in any order; what was skipped reads as zeros. Bookkeeping over pooled memory; a copy
/// shares the bytes. The memory may be smaller than the span can become; see `move`. Not thread-safe.
package struct SpanBuffer {
    package private(set) var memory: PooledBuffer
    /// Most bytes that one span may store.
    package let capacity: Int
    /// Bytes from the beginning that were written or zeroed; all after them are zeros that were never stored.
    package private(set) var filled = 0

    package init(memory: PooledBuffer, capacity: Int) {
        self.memory = memory
        self.capacity = capacity
    }

    /// Goes on in other memory, with room for what is filled.
    package mutating func move(to other: PooledBuffer) {
        precondition(filled <= other.count)
        memcpy(other.base, memory.base, filled)
        memory = other
    }

    /// Copies `bytes` to `offset`; `offset + bytes.count` must not exceed the capacity, nor the memory.
    package mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        precondition(offset >= 0 && offset + bytes.count <= min(capacity, memory.count))
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        if offset > filled { memset(memory.base + filled, 0, offset - filled) }
        memcpy(memory.base + offset, source, bytes.count)
        filled = max(filled, offset + bytes.count)
    }

    /// Copies what lies at `offset` to `destination`, zeros where nothing was written.
    package func read(at offset: Int, into destination: UnsafeMutableRawBufferPointer) {
        precondition(offset >= 0)
        guard let target = destination.baseAddress else { return }
        let present = max(0, min(filled - offset, destination.count))
        if present > 0 { memcpy(target, memory.base + offset, present) }
        memset(target + present, 0, destination.count - present)
    }

    /// The bytes from `offset` on.
    package func bytes(from offset: Int) -> UnsafeRawBufferPointer {
        precondition(offset >= 0 && offset <= filled)
        return UnsafeRawBufferPointer(start: memory.base + offset, count: filled - offset)
    }

    /// Makes `range` zeros.
    package mutating func zero(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0)
        if range.upperBound >= filled { return cut(to: range.lowerBound) }
        memset(memory.base + range.lowerBound, 0, range.count)
    }

    /// Forgets everything from `offset` on.
    package mutating func cut(to offset: Int) {
        precondition(offset >= 0)
        filled = min(filled, offset)
    }
}
