import Protocol

/// What somebody wants of an inode's attributes, all at once. Nil: as it is.
public struct InodeChange: Hashable, Sendable {
    public var ownership: Ownership
    public var modified: Timestamp?
    public var accessed: Timestamp?
    /// Carried out one after the other.
    public var extended: [ExtendedAttributeChange]

    public init(
        ownership: Ownership = Ownership(), modified: Timestamp? = nil, accessed: Timestamp? = nil,
        extended: [ExtendedAttributeChange] = []
    ) {
        self.ownership = ownership
        self.modified = modified
        self.accessed = accessed
        self.extended = extended
    }

    public static let nothing = InodeChange()

    /// Refuses at once what the shard would refuse in any case, some of which does not fit into a request.
    func check() throws(ClientError) {
        do throws(ProtocolError) {
            try wire.validate()
        } catch {
            throw ClientError(.refused(error), "changing of attributes")
        }
    }

    var wire: InodeAttributeChange {
        InodeAttributeChange(
            ownership: ownership.wire, mtime: InodeAttributeChange.field(modified),
            atime: InodeAttributeChange.field(accessed), extended: extended)
    }
}
