import Glibc
import Synchronization

/// Memory for spans, cells and pages, used again instead of being returned to the system. Thread-safe.
///
/// Sizes are rounded up to a power of two below 1 MiB and to whole MiB from there on. Regions come from `mmap`, so that
/// a large one costs nothing until it is touched, and a small file in a large span buffer only what it fills.
package final class BufferPool: Sendable {
    private struct State {
        /// Free regions as addresses, by size; the one used last is on top, because its pages are warm.
        var free: [Int: [UInt]] = [:]
        var freeBytes = 0
        var takes: UInt64 = 0
        /// Bytes of the regions that somebody has.
        var takenBytes = 0
    }

    private let state = Mutex(State())
    private let retainedBytes: Int

    /// - Parameter retainedBytes: so much unused memory is kept at most; the rest goes back to the system.
    package init(retainedBytes: Int) {
        self.retainedBytes = retainedBytes
    }

    deinit {
        trim()
    }

    /// A region of at least `bytes` bytes with undefined contents, aligned to a page; nil when the system has no memory
    /// left.
    package func take(_ bytes: Int) -> PooledBuffer? {
        let size = Self.roundedSize(bytes)
        let known = state.withLock { state -> UInt? in
            state.takes &+= 1
            state.takenBytes += size
            guard let address = state.free[size]?.popLast() else { return nil }
            state.freeBytes -= size
            return address
        }
        if let known, let base = UnsafeMutableRawPointer(bitPattern: known) {
            return PooledBuffer(base: base, count: size, pool: self)
        }
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let base = mmap(nil, size, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED else {
            state.withLock { $0.takenBytes -= size }
            return nil
        }
        return PooledBuffer(base: base, count: size, pool: self)
    }

    /// How many regions were asked for so far.
    package var takes: UInt64 { state.withLock { $0.takes } }

    /// Bytes that somebody has now.
    package var takenBytes: Int { state.withLock { $0.takenBytes } }

    /// Returns all unused memory to the system.
    package func trim() {
        let freed = state.withLock { state in
            let free = state.free
            state.free = [:]
            state.freeBytes = 0
            return free
        }
        for (size, addresses) in freed {
            for address in addresses { munmap(UnsafeMutableRawPointer(bitPattern: address), size) }
        }
    }

    fileprivate func giveBack(_ base: UnsafeMutableRawPointer, _ size: Int) {
        let isKept = state.withLock { state in
            state.takenBytes -= size
            guard state.freeBytes + size <= retainedBytes else { return false }
            state.free[size, default: []].append(UInt(bitPattern: base))
            state.freeBytes += size
            return true
        }
        if !isKept { munmap(base, size) }
    }

    package static func roundedSize(_ bytes: Int) -> Int {
        if bytes <= 4096 { return 4096 }
        if bytes >= 1 << 20 { return bytes.roundedUp(toMultipleOf: 1 << 20) }
        return 1 << (Int.bitWidth - (bytes - 1).leadingZeroBitCount)
    }
}

/// Memory out of a pool; goes back when the last reference is dropped, on whatever thread.
///
/// `@unchecked Sendable`: the pointer itself never changes; who may touch the bytes when is agreed between the owners
/// (a span is filled on the loop, then handed to an encoder, then only read).
package final class PooledBuffer: @unchecked Sendable {
    package let base: UnsafeMutableRawPointer
    package let count: Int
    private let pool: BufferPool

    fileprivate init(base: UnsafeMutableRawPointer, count: Int, pool: BufferPool) {
        self.base = base
        self.count = count
        self.pool = pool
    }

    deinit {
        pool.giveBack(base, count)
    }
}
