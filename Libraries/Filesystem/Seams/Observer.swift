/// Whoever remembers what the filesystem told, such as a kernel, and must forget it when it is no longer right. Called
/// on the filesystem's loop, in the middle of operations: must neither wait nor call back.
public protocol Observer: Sendable {
    /// The contents and attributes of a node are not what was told.
    func contentChanged(_ node: NodeID)

    /// A name leads somewhere else now, or nowhere.
    func nameChanged(_ name: [UInt8], in directory: NodeID)

    /// Returns once all contents are forgotten that were told of before; names are nothing to wait for. Awaited only
    /// where an operation is about to answer that holds nothing which others wait for.
    nonisolated(nonsending) func heard() async
}
