import Glibc

/// The part of a file under construction that can still be changed: one span's bytes in memory.
///
/// Bytes may be written anywhere, in any order; what was skipped reads as zeros. Bookkeeping over pooled memory; a copy
/// shares the bytes. Not thread-safe.
package struct SpanBuffer {
    package let memory: PooledBuffer
    /// Most bytes that one span may store.
    package let capacity: Int
    /// Bytes from the beginning that were written or zeroed; all after them are zeros that were never stored.
    package private(set) var filled = 0

    package init(memory: PooledBuffer, capacity: Int) {
        precondition(capacity <= memory.count)
        self.memory = memory
        self.capacity = capacity
    }

    /// Copies `bytes` to `offset`; `offset + bytes.count` must not exceed the capacity.
    package mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        precondition(offset >= 0 && offset + bytes.count <= capacity)
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

    /// Forgets everything from `offset` on.
    package mutating func cut(to offset: Int) {
        precondition(offset >= 0)
        filled = min(filled, offset)
    }
}
