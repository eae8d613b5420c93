/// What a name leads to. Whoever gets one from the filesystem holds a reference of its node, until he forgets it.
public struct Entry: Sendable {
    public let attributes: Attributes
    /// How long the name may be believed, in seconds.
    public let validSeconds: Double

    public init(attributes: Attributes, validSeconds: Double) {
        self.attributes = attributes
        self.validSeconds = validSeconds
    }

    public var node: NodeID { attributes.node }
}
