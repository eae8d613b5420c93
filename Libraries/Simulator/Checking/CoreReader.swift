import Protocol
import ShardCore

/// Reads everything of a shard through its own requests, as a tool would.
struct CoreReader {
    let core: ShardCore

    init(_ core: ShardCore) { self.core = core }

    func read(_ request: AnyShardRequest) -> AnyShardResponse? { try? core.read(request) }

    func directories() -> [InodeID] {
        var ids: [InodeID] = []
        var begin = InodeID.null
        repeat {
            let request = AnyShardRequest.visitDirectories(VisitDirectoriesRequest(beginId: begin, mtu: 8972))
            guard case .visitDirectories(let page)? = read(request) else { break }
            ids += page.ids
            begin = page.nextId
        } while begin != .null
        return ids
    }

    func files() -> [InodeID] {
        var ids: [InodeID] = []
        var begin = InodeID.null
        repeat {
            guard case .visitFiles(let page)? = read(.visitFiles(VisitFilesRequest(beginId: begin, mtu: 8972)))
            else { break }
            ids += page.ids
            begin = page.nextId
        } while begin != .null
        return ids
    }

    func transientFiles() -> [TransientFile] {
        var files: [TransientFile] = []
        var begin = InodeID.null
        repeat {
            let request = AnyShardRequest.visitTransientFiles(VisitTransientFilesRequest(beginId: begin, mtu: 8972))
            guard case .visitTransientFiles(let page)? = read(request) else { break }
            files += page.files
            begin = page.nextId
        } while begin != .null
        return files
    }

    /// A version of a file: linked, or superseded and not being destroyed yet.
    func version(_ file: InodeID) -> StatVersionResponse? { version(file, newest: false) }

    func newestVersion(of number: InodeID) -> InodeID? { version(number, newest: true)?.id }

    private func version(_ id: InodeID, newest: Bool) -> StatVersionResponse? {
        guard case .statVersion(let version)? = read(.statVersion(StatVersionRequest(id: id, newest: newest))) else {
            return nil
        }
        return version
    }

    func isSuperseded(_ file: InodeID) -> Bool {
        guard case .statTransientFile? = read(.statTransientFile(StatTransientFileRequest(id: file))) else {
            return false
        }
        return version(file) != nil
    }

    func supersededFiles() -> [InodeID] { transientFiles().map(\.id).filter { version($0) != nil } }

    func status(of directory: InodeID) -> StatDirectoryResponse? {
        guard case .statDirectory(let status)? = read(.statDirectory(StatDirectoryRequest(id: directory))) else {
            return nil
        }
        return status
    }

    /// The whole history of a directory, then what is there now.
    func edges(of directory: InodeID) -> [Edge] {
        var edges: [Edge] = []
        var request = FullReadDirRequest(
            dirId: directory, flags: [], startName: [], startTime: .zero, limit: 0, mtu: 8972)
        while case .fullReadDir(let page)? = read(.fullReadDir(request)) {
            edges += page.results
            if page.next.startName.isEmpty { break }
            request.flags = page.next.current ? .current : []
            request.startName = page.next.startName
            request.startTime = page.next.startTime
        }
        return edges
    }

    func currentEdges() -> [(Place, Meaning)] {
        directories().flatMap { directory in
            edges(of: directory).filter(\.current).map { edge in
                (
                    Place(directory: directory, name: edge.name),
                    Meaning(target: edge.targetId.id, creationTime: edge.creationTime)
                )
            }
        }
    }

    func spans(of file: InodeID) -> [FetchedFullSpan] {
        var spans: [FetchedFullSpan] = []
        var request = FileSpansRequest(fileId: file, byteOffset: 0, limit: 0, mtu: 8972)
        while case .fileSpans(let page)? = read(.fileSpans(request)) {
            spans += page.spans
            if page.nextOffset == 0 { break }
            request.byteOffset = page.nextOffset
        }
        return spans
    }

    /// The blocks of all copies of a file's spans.
    func blocks(of file: InodeID) -> [FetchedBlock] { Self.blocks(of: spans(of: file)) }

    /// Those of spans that are the file's own.
    func ownBlocks(of file: InodeID) -> [FetchedBlock] {
        let shared = references(of: file).references
        return Self.blocks(
            of: spans(of: file).filter { span in
                !shared.contains {
                    span.header.byteOffset >= $0.byteOffset && span.header.byteOffset - $0.byteOffset < $0.length
                }
            })
    }

    private static func blocks(of spans: [FetchedFullSpan]) -> [FetchedBlock] {
        spans.flatMap { span -> [FetchedBlock] in
            guard case .locations(let body) = span.body else { return [] }
            return body.locations.flatMap(\.blocks)
        }
    }

    /// Whether a file is one that others refer to, and what it refers to. A simulated file has few references.
    func references(of file: InodeID) -> FileReferencesResponse {
        let request = AnyShardRequest.fileReferences(FileReferencesRequest(fileId: file, byteOffset: 0, mtu: 8972))
        guard case .fileReferences(let page)? = read(request) else {
            return FileReferencesResponse(isBody: false, nextOffset: 0, references: [])
        }
        return page
    }
}
