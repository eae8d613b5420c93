/// How a disk is used.
public struct BlockDiskOptions: Sendable, Hashable {
    /// Blocks of at most so many bytes go to the store of small blocks; 0: every block becomes a file. At most
    /// `largestSmallBlock`. What lies on the disk already is found wherever it is.
    public var smallBlockBytes: Int
    /// Bytes of the filesystem that are not for blocks; nil: a share of it, see `BlockDisk.Capacity.reserved`.
    public var reservedBytes: UInt64?

    /// Bytes; above, a file of its own costs no more.
    public static let largestSmallBlock = SegmentRecord.largestBlock

    public init(smallBlockBytes: Int = 64 << 10, reservedBytes: UInt64? = 0) {
        self.smallBlockBytes = min(max(smallBlockBytes, 0), Self.largestSmallBlock)
        self.reservedBytes = reservedBytes
    }
}
