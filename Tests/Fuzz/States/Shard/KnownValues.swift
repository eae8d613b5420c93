import Protocol

/// What a client may know: everything that earlier answers told it, newest last.
struct KnownValues {
    struct NamedEdge {
        var directory: InodeID
        var name: [UInt8]
        var target: InodeID
        var time: Timestamp
    }

    struct OpenFile {
        var id: InodeID
        var cookie: Cookie
        /// Where its next span begins, as far as its writer knows.
        var end: UInt64 = 0
    }

    struct KnownSpan {
        var file: InodeID
        var byteOffset: UInt64
        var blocks: [(service: BlockServiceID, id: BlockID)]
        /// Of a span in blocks that was just made: the request that made it.
        var request: AddSpanInitiateRequest?
    }

    private static let limit = 24

    private(set) var inodes: [InodeID] = [.root]
    private(set) var files: [OpenFile] = []
    private(set) var edges: [NamedEdge] = []
    private(set) var spans: [KnownSpan] = []

    var directories: [InodeID] { inodes.filter(\.isDirectory) }

    mutating func learn(_ id: InodeID) {
        guard !id.isNull, !inodes.contains(id) else { return }
        // ROOT stays.
        if inodes.count >= Self.limit { inodes.remove(at: 1) }
        inodes.append(id)
    }

    mutating func learn(_ file: OpenFile) {
        learn(file.id)
        files.removeAll { $0.id == file.id }
        if files.count >= Self.limit { files.removeFirst() }
        files.append(file)
    }

    mutating func learn(_ edge: NamedEdge) {
        learn(edge.target)
        if edges.count >= Self.limit { edges.removeFirst() }
        edges.append(edge)
    }

    mutating func learn(_ span: KnownSpan) {
        if spans.count >= Self.limit { spans.removeFirst() }
        spans.append(span)
    }

    mutating func setEnd(of file: InodeID, to end: UInt64) {
        for index in files.indices where files[index].id == file { files[index].end = end }
    }

    func cookie(of file: InodeID) -> Cookie? { files.last { $0.id == file }?.cookie }
}
