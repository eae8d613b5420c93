import Glibc

/// What was written to a file over what is stored of it. Confined to the loop.
struct Patches {
    private(set) var map = PatchMap()
    private var blocks: [UInt64: PatchBlock] = [:]

    private static let blockBytes = UInt64(PatchBlock.bytes)

    var isEmpty: Bool { map.isEmpty }
    var blockCount: Int { blocks.count }

    /// Takes as many bytes as there is room for; answers how many.
    mutating func write(
        _ bytes: UnsafeRawBufferPointer, at offset: UInt64, in memory: PatchMemory
    ) throws(ClientError) -> Int {
        var done = 0
        while done < bytes.count {
            let position = offset + UInt64(done)
            let (index, start) = (position / Self.blockBytes, Int(position % Self.blockBytes))
            let part = UnsafeRawBufferPointer(
                rebasing: bytes[done..<min(bytes.count, done + PatchBlock.bytes - start)])
            let block = blocks[index] ?? PatchBlock()
            guard try block.write(part, at: start, in: memory) else { return done }
            blocks[index] = block
            map.write(position..<position + UInt64(part.count))
            done += part.count
        }
        memory.spoolInTime()
        return done
    }

    /// Whether all bytes of `range` would be taken.
    func takes(_ range: Range<UInt64>, in memory: PatchMemory) -> Bool {
        guard !range.isEmpty else { return true }
        let indices = range.lowerBound / Self.blockBytes...(range.upperBound - 1) / Self.blockBytes
        return indices.allSatisfy { blocks[$0]?.isSpooling != true }
            && memory.grants(indices.count * PatchBlock.bytes)
    }

    /// Whether nothing can be written at `offset` before its block was spooled.
    func isSpooling(at offset: UInt64) -> Bool { blocks[offset / Self.blockBytes]?.isSpooling == true }

    mutating func zero(_ range: Range<UInt64>) {
        let hidden = map.data.intersection(range)
        map.zero(range)
        release(hidden)
    }

    /// What is stored shows again there.
    mutating func remove(_ ranges: [Range<UInt64>]) {
        // From the end, where nothing has to move up.
        for range in ranges.reversed() {
            let hidden = map.data.intersection(range)
            map.remove(range)
            release(hidden)
        }
    }

    private mutating func release(_ ranges: [Range<UInt64>]) {
        for range in ranges {
            for index in range.lowerBound / Self.blockBytes...(range.upperBound - 1) / Self.blockBytes
            where !map.data.intersects(index * Self.blockBytes..<(index + 1) * Self.blockBytes) {
                blocks[index] = nil
            }
        }
    }

    /// Lays what is patched of `range` over what `target` has there; answers what must still be read from the spool.
    func overlay(_ range: Range<UInt64>, on target: UnsafeMutableRawPointer) -> [SpoolRead] {
        for zeros in map.zeros.intersection(range) {
            memset(target + Int(zeros.lowerBound - range.lowerBound), 0, zeros.count)
        }
        var reads: [SpoolRead] = []
        for data in map.data.intersection(range) {
            var position = data.lowerBound
            while position < data.upperBound {
                let (index, start) = (position / Self.blockBytes, Int(position % Self.blockBytes))
                let count = min(PatchBlock.bytes - start, Int(data.upperBound - position))
                if let block = blocks[index] {
                    reads += block.read(start..<start + count, into: target + Int(position - range.lowerBound))
                }
                position += UInt64(count)
            }
        }
        return reads
    }
}
