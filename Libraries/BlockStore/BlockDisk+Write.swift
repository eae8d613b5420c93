import Glibc
import Protocol

extension BlockDisk {
    /// Begins to write a block of `size` bytes, a multiple of 4096. Throws `ENOSPC` when less than half of the reserve
    /// would be left: the other half is for what erasing and tidying up need.
    public func write(_ block: BlockID, size: Int) throws(BlockStoreError) -> BlockWriter {
        if let damage { throw damage }
        try checkSpace(for: size)
        if size > 0, size <= options.smallBlockBytes,
            let small = SmallDestination(block, size: size, in: try makeSmallBlocks())
        {
            return BlockWriter(size: size, to: small)
        }
        return BlockWriter(size: size, to: try FileDestination(block, on: self))
    }

    /// Begins to write `size` bytes, a multiple of 4096, that are no block.
    public func writeTrial(size: Int) throws(BlockStoreError) -> TrialWriter {
        try checkSpace(for: size)
        return try TrialWriter(size: size, on: self)
    }

    private func checkSpace(for size: Int) throws(BlockStoreError) {
        let capacity = try capacity()
        let floor = reserved(of: capacity) / 2
        guard capacity.available >= floor, capacity.available - floor >= UInt64(size) else {
            throw .system(operation: "write to \(path)", code: ENOSPC)
        }
    }

    /// Bytes of the filesystem that are not for blocks, however much there is: as the options say, else 2 %, at most
    /// 100 GiB.
    public func reserved(of capacity: Capacity) -> UInt64 {
        options.reservedBytes ?? min(capacity.total / 50, 100 << 30)
    }
}
