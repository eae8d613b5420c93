import Wire

extension SpanPolicy {
    /// What a new root of a large site gets (services.md 0.7): every span has four parity blocks, and the number of
    /// data blocks grows with the span, so that blocks on hard disks never get smaller than 610 pages.
    ///
    /// Before that table comes an entry of our own for spans of a few pages, which are mirrored: ten cells of a page each
    /// and four of parity would be fourteen writes instead of five, and reading would need four disks instead of one.
    public static let largeSite: SpanPolicy = {
        let step: UInt32 = 610 * 4096
        let mirrored = SpanPolicyEntry(maxSize: 16 << 10, parity: Parity(data: 1, parity: 4))
        let first = SpanPolicyEntry(maxSize: 2 * step, parity: Parity(data: 10, parity: 4))
        return SpanPolicy(
            entries: [mirrored, first]
                + (2...10).map { data in
                    SpanPolicyEntry(maxSize: UInt32(data + 1) * step, parity: Parity(data: data, parity: 4))
                })
    }()

    /// The same parity for every span up to `maxSize` bytes, which must be a multiple of 4096 and at most 100 MiB.
    public static func uniform(_ parity: Parity, maxSize: UInt32) -> SpanPolicy {
        SpanPolicy(entries: [SpanPolicyEntry(maxSize: maxSize, parity: parity)])
    }
}

extension BlockPolicy {
    /// What a new root of a large site gets: flash for blocks up to 610 pages, hard disks for larger ones.
    public static let largeSite = BlockPolicy(entries: [
        BlockPolicyEntry(storageClass: .flash, minSize: 0), BlockPolicyEntry(storageClass: .hdd, minSize: 610 * 4096),
    ])

    /// The same storage class for every block.
    public static func uniform(_ storageClass: StorageClass) -> BlockPolicy {
        BlockPolicy(entries: [BlockPolicyEntry(storageClass: storageClass, minSize: 0)])
    }
}

extension SnapshotPolicy {
    /// Snapshots go after thirty days, however many there are.
    public static let thirtyDays = SnapshotPolicy(
        deleteAfterTime: DeleteAfterTime(nanoseconds: 30 * 24 * 3600 * 1_000_000_000), deleteAfterVersions: .inactive)
}

extension StripePolicy {
    /// Stripes of one mebibyte.
    public static let oneMebibyte = StripePolicy(targetStripeSize: 1 << 20)
}

extension DirectoryInfo {
    /// The policies of a new root directory: the defaults that the protocol's authors meant, unless given.
    /// Throws when a policy takes more than 255 bytes.
    public static func sternaRootDefault(
        snapshot: SnapshotPolicy = .thirtyDays, span: SpanPolicy = .largeSite, block: BlockPolicy = .largeSite,
        stripe: StripePolicy = .oneMebibyte
    ) throws(EncodeError) -> DirectoryInfo {
        var info = DirectoryInfo(entries: [])
        try info.set(snapshot)
        try info.set(block)
        try info.set(span)
        try info.set(stripe)
        return info
    }
}
