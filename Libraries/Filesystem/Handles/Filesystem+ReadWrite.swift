import Client
import Glibc
import Protocol

extension Filesystem {
    /// The bytes at `offset`; fewer than `count` only at the end of the file.
    public func read(_ handle: HandleID, at offset: UInt64, count: Int) async throws(FilesystemError) -> FileData {
        let file = try file(handle)
        if let staged = file.staged { return try await read(staged, at: offset, count: count) }
        guard let version = file.version else { throw .badDescriptor }
        return try await read(version, at: offset, count: count)
    }

    /// As `read` of a finished file, when everything is at hand; nil otherwise.
    public func readNow(_ handle: HandleID, at offset: UInt64, count: Int) -> FileData? {
        guard let file = openFiles[handle], file.staged == nil else { return nil }
        return file.version?.readNow(at: offset, count: count)
    }

    private func read(
        _ version: FileReader, at offset: UInt64, count: Int
    ) async throws(FilesystemError) -> FileData {
        try await posix { () throws(ClientError) in try await version.read(at: offset, count: count) }
    }

    private func read(
        _ staged: StagedFile, at offset: UInt64, count: Int
    ) async throws(FilesystemError) -> FileData {
        let writer = staged.writer
        if staged.state == .building {
            // What is stored is read from the cluster, once it is there.
            return try await patience.run { () throws(ClientError) in try await writer.read(at: offset, count: count) }
        }
        // Published meanwhile: the same bytes, from the finished file.
        try await published(staged)
        let version = FileReader(client: client, id: staged.writer.id, size: staged.size)
        return try await read(version, at: offset, count: count)
    }

    // MARK: Writing

    /// Takes the bytes at once if nothing has to be waited for; false otherwise, with nothing taken.
    ///
    /// - Parameter appends: they belong at the end, wherever that is by now.
    public func writeNow(
        _ handle: HandleID, _ bytes: UnsafeRawBufferPointer, at offset: UInt64, appends: Bool
    ) throws(FilesystemError) -> Bool {
        guard let staged = openFiles[handle]?.staged, staged.state == .building else { return false }
        let position = position(in: staged, offset, appends)
        guard staged.failure == nil, Self.fits(bytes.count, at: position) else { return false }
        do {
            guard try staged.writer.writeNow(bytes, at: position) else { return false }
        } catch {
            throw fail(staged, "write", FilesystemError(error))
        }
        wrote(staged, appends)
        return true
    }

    /// Writes all of `bytes`, waiting where too much is on its way to the cluster. The first error of a file sticks.
    public func write(
        _ handle: HandleID, _ bytes: [UInt8], at offset: UInt64, appends: Bool
    ) async throws(FilesystemError) {
        let staged = try await stagedForWriting(try file(handle), at: offset, appends: appends)
        if let failure = staged.failure { throw failure }
        let position = position(in: staged, offset, appends)
        guard Self.fits(bytes.count, at: position) else { throw fail(staged, "write", .tooLarge) }
        let writer = staged.writer
        do throws(FilesystemError) {
            try await patience.run { () throws(ClientError) in try await writer.write(bytes, at: position) }
        } catch {
            throw fail(staged, "write", error)
        }
        wrote(staged, appends)
    }

    private func wrote(_ staged: StagedFile, _ appends: Bool) {
        staged.modified = now()
        staged.appendsOnly = staged.appendsOnly && appends
    }

    /// Where bytes belong. What is appended goes to the end, wherever a front end, which may know an older version,
    /// thinks that it is.
    private func position(in staged: StagedFile, _ offset: UInt64, _ appends: Bool) -> UInt64 {
        guard appends, staged.base != nil || staged.wasRebased, staged.size != offset else { return offset }
        staged.wasRebased = true
        return staged.size
    }

    private static func fits(_ count: Int, at offset: UInt64) -> Bool {
        offset <= largestFileBytes - UInt64(count)
    }

    // MARK: Staging on the first write

    /// The staged file that a write through this handle goes to.
    private func stagedForWriting(
        _ file: OpenFile, at offset: UInt64, appends: Bool
    ) async throws(FilesystemError) -> StagedFile {
        guard file.isWritable else { throw .badDescriptor }
        if let failure = file.failure { throw failure }
        guard let staged = file.staged else {
            let beginning = Beginning(appends: appends, isDirect: file.isDirect, formerPlace: file.place)
            do throws(FilesystemError) {
                return try await continueWriting(file, by: file.opener, at: offset, beginning)
            } catch {
                throw fail(file, "write", error)
            }
        }
        if staged.state == .building { return staged }
        // Published while somebody, such as a child process, still had it open.
        try await published(staged)
        let beginning = Beginning(appends: appends, isDirect: staged.isDirect, formerPlace: staged.place)
        do throws(FilesystemError) {
            return try await continueWriting(file, by: .unknown, at: offset, beginning)
        } catch {
            report("write", staged.place, error)
            throw error
        }
    }

    /// A finished file that is not large can be continued at its end (`>>`, logs): by a new file that begins with the
    /// old contents.
    private func continueWriting(
        _ file: OpenFile, by caller: Caller, at offset: UInt64, _ beginning: Beginning
    ) async throws(FilesystemError) -> StagedFile {
        let node = node(file.node)
        if let present = adopted(by: file, of: node) { return present }
        try await settle(node)
        var beginning = beginning
        beginning.keeping = try await attributes(of: node).size
        guard beginning.appends || offset >= beginning.keeping, beginning.keeping <= Self.continuableBytes else {
            throw .sealed
        }
        let creator = await creators.creator(caller)
        if let present = adopted(by: file, of: node) { return present }
        let staged = try await replace(node, creator: creator, beginning)
        file.adopt(staged)
        return staged
    }

    /// Somebody else has staged the node already.
    private func adopted(by file: OpenFile, of node: Node) -> StagedFile? {
        guard let present = node.staged, present.state == .building else { return nil }
        file.adopt(present)
        return present
    }
}
