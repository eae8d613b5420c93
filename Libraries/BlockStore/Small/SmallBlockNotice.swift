/// Something that an operator should know about a disk's small blocks, found while the disk is in use.
public struct SmallBlockNotice: Sendable, Hashable {
    public var text: String
    /// Whether the medium did not give back, or take, what it should: counts as an error of the disk.
    public var isMediumError: Bool

    init(_ text: String, isMediumError: Bool = false) {
        self.text = text
        self.isMediumError = isMediumError
    }
}
