/// Bounds of what is kept of an inode's attributes.
public enum AttributeLimits {
    /// All extended attributes of one inode take no more bytes than on ext4, each with its name, its value and
    /// `extendedOverhead`.
    public static let extendedBytes = 4096
    public static let extendedOverhead = 16
    /// A change takes no more bytes on the wire, so that it fits into one datagram with whatever asks for it.
    public static let changeBytes = 6144
    /// What lets a program have rights that its caller has not.
    public static let capability = Array("security.capability".utf8)
    /// The bits that chmod(2) sets.
    public static let modeBits: UInt16 = 0o7777
}

extension ExtendedAttribute {
    /// What it counts for.
    public var countedBytes: Int { AttributeLimits.extendedOverhead + name.count + value.count }
}
