/// How much room the disk under a metadata service has.
public struct DiskRoom: Sendable {
    public let freeBytes: UInt64
    /// With less an operator should do something, before it is full.
    public let wantedBytes: UInt64
    /// Changes wait.
    public let isFull: Bool
}
