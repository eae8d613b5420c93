import Mutations
import Protocol

// The memory of the open span. It grows with what is written, and all open spans of a client share one budget: beyond
// it the fullest is sealed, which its writer notices only by what it can still change.

extension FileWriter {
    enum Memory {
        case enough
        /// This file's own span was sealed for it: look again.
        case sealedMore
        /// None before others have stored something.
        case short
    }

    /// Bytes that can be sealed for others to get memory.
    var sealableBytes: Int {
        guard let buffer, failure == nil, !isEnded else { return 0 }
        return buffer.filled / ClientLimits.pageBytes * ClientLimits.pageBytes
    }

    /// Memory for an open span of so many bytes: twice as much each time, and all at once for a large file as long as
    /// there is plenty.
    func memorySize(for bytes: Int) -> Int {
        let whole = SpanEncoder.bufferBytes(policies)
        if sealedBytes > 0, core.openFiles.grantsEasily(whole) { return BufferPool.roundedSize(whole) }
        let wanted = max(bytes, 2 * (buffer?.memory.count ?? 0))
        return BufferPool.roundedSize(wanted >= policies.largestSpanBytes ? whole : wanted)
    }

    /// Whether so many bytes that end at `end`, behind what is sealed, can be taken without waiting.
    func hasMemory(for count: Int, until end: UInt64) -> Bool {
        let (own, capacity) = (buffer?.memory.count ?? 0, policies.largestSpanBytes)
        let open = Int(clamping: end - sealedBytes)
        if open > own, !core.openFiles.grants(memorySize(for: min(open, capacity)) - own) { return false }
        guard open > capacity else { return true }
        // What goes beyond the open span seals it. What that had is others' then, if they have more than they may.
        let wanted = memorySize(for: min(count, capacity))
        let rest = Mutation.sealedMemoryIsCounted.isPlanted ? wanted - own : wanted
        return hasRoom && open <= 2 * capacity && core.openFiles.grants(rest)
    }

    /// Sees to it that the open span has memory for `bytes` bytes, of which those from `position` on are to be written.
    func makeMemory(for bytes: Int, at position: UInt64) throws(ClientError) -> Memory {
        let own = buffer?.memory.count ?? 0
        guard bytes > own else { return .enough }
        let wanted = memorySize(for: bytes)
        while !core.openFiles.grants(wanted - own) {
            // Nobody has a page to seal: then nobody has much.
            guard let victim = core.openFiles.fullest() else { break }
            guard victim !== self else {
                guard hasRoom else { return short() }
                if sealPages(before: position) { return .sealedMore }
                // What is to be written lies in the first page.
                break
            }
            guard victim.assumeIsolated({ $0.hasRoom && $0.sealPages(before: .max) }) else { return short() }
        }
        guard let memory = core.pool.take(wanted) else { throw fail(ClientError(.noMemory, "write")) }
        if var open = buffer {
            open.move(to: memory)
            buffer = open
        } else {
            buffer = SpanBuffer(memory: memory, capacity: policies.largestSpanBytes)
        }
        return .enough
    }

    private func short() -> Memory {
        isShortOfMemory = true
        return .short
    }

    /// Seals whole pages of what is open; false when there are none before `position`.
    private func sealPages(before position: UInt64) -> Bool {
        let end = min(position, sealedBytes + UInt64(buffer?.filled ?? 0))
        guard end >= sealedBytes + UInt64(ClientLimits.pageBytes) else { return false }
        seal(before: end)
        return true
    }
}
