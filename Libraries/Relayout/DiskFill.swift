import Protocol

/// How full a disk is, as far as evening out is concerned.
public struct DiskFill: Hashable, Sendable {
    public var id: BlockServiceID
    public var storageClass: StorageClass
    /// Whether blocks can be read from it.
    public var isReadable: Bool
    /// Whether new blocks can go there.
    public var isWritable: Bool
    public var capacityBytes: UInt64
    public var availableBytes: UInt64

    public init(
        id: BlockServiceID, storageClass: StorageClass, isReadable: Bool, isWritable: Bool, capacityBytes: UInt64,
        availableBytes: UInt64
    ) {
        self.id = id
        self.storageClass = storageClass
        self.isReadable = isReadable
        self.isWritable = isWritable
        self.capacityBytes = capacityBytes
        self.availableBytes = availableBytes
    }

    /// Of what the registry tells.
    init(_ info: BlockServiceDeprecatedInfo) {
        self.init(
            id: info.id, storageClass: info.storageClass, isReadable: info.flags.isReadable,
            isWritable: info.flags.isWritable, capacityBytes: info.capacityBytes, availableBytes: info.availableBytes)
    }

    /// Whether it can give or receive anything.
    var isUsable: Bool { capacityBytes > 0 && (isReadable || isWritable) }

    /// Used share of the capacity, 0…1. A disk without capacity counts as full.
    public var share: Double {
        guard capacityBytes > 0 else { return 1 }
        return Double(usedBytes) / Double(capacityBytes)
    }

    public var usedBytes: UInt64 { capacityBytes - min(availableBytes, capacityBytes) }

    /// The same disk with so many bytes more (or fewer) on it.
    func adding(_ bytes: Int64) -> DiskFill {
        var disk = self
        let used = Int64(clamping: usedBytes)
        let (sum, overflow) = used.addingReportingOverflow(bytes)
        let then = overflow ? (bytes > 0 ? Int64.max : 0) : sum
        disk.availableBytes = capacityBytes - min(UInt64(clamping: max(then, 0)), capacityBytes)
        return disk
    }
}
