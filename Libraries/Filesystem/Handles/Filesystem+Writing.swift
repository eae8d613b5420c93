import Client
import Glibc
import Mutations
import Protocol

extension Filesystem {
    /// Takes the bytes at once if nothing has to be waited for; false otherwise, with nothing taken.
    ///
    /// - Parameters:
    ///   - appends: they belong at the end, wherever that is by now.
    ///   - isPage: they come from a mapping, whose program changed them at some time before.
    public func writeNow(
        _ handle: HandleID, _ bytes: UnsafeRawBufferPointer, at offset: UInt64, appends: Bool, isPage: Bool = false,
        by caller: Caller = .unknown
    ) throws(FilesystemError) -> Bool {
        guard let file = openFiles[handle], file.writes, file.failure == nil, appends || !file.isOutdated,
            let staged = file.node.staged,
            staged.state == .building, staged.failure == nil,
            file.node.line.isFree(for: Self.range(bytes.count, at: offset), isPage: isPage)
        else { return false }
        let position = position(in: staged, offset, appends)
        guard Self.fits(bytes.count, at: position) else { return false }
        do {
            guard try staged.writer.writeNow(bytes, at: position) else { return false }
        } catch {
            throw fail(staged, "write", FilesystemError(error))
        }
        file.changes(staged)
        staged.willChange(position..<position + UInt64(bytes.count), appends: appends)
        clearPrivileges(of: staged, for: caller)
        staged.wasChanged(at: now(), isPage: isPage)
        return true
    }

    /// Writes all of `bytes`, waiting where too much is on its way to the cluster. The first error of a file sticks.
    public func write(
        _ handle: HandleID, _ bytes: [UInt8], at offset: UInt64, appends: Bool, isPage: Bool = false,
        by caller: Caller = .unknown
    ) async throws(FilesystemError) {
        let file = try file(handle)
        try await changing(
            file, "write", Self.range(bytes.count, at: offset), isPage: isPage
        ) { turn throws(FilesystemError) in
            try await write(bytes, at: offset, appends: appends, through: file, turn, by: caller)
        }
    }

    /// The same when it is its turn.
    func write(
        _ bytes: [UInt8], at offset: UInt64, appends: Bool, through file: OpenFile, _ turn: ChangeLine.Turn,
        by caller: Caller
    ) async throws(FilesystemError) {
        let staged = try await stagedForWriting(file, at: offset, count: bytes.count, appends)
        let position = position(in: staged, offset, appends)
        guard Self.fits(bytes.count, at: position) else { throw fail(staged, "write", .tooLarge) }
        staged.willChange(position..<position + UInt64(bytes.count), appends: appends)
        clearPrivileges(of: staged, for: caller)
        try await change(staged, turn, "write") { writer async throws(ClientError) in
            try await writer.write(bytes, at: position)
        }
    }

    /// The staged file that a write through this handle goes to.
    func stagedForWriting(
        _ file: OpenFile, at offset: UInt64, count: Int, _ appends: Bool
    ) async throws(FilesystemError) -> StagedFile {
        if file.node.staged == nil, !Self.fits(count, at: offset) { throw fail(file, "write", .tooLarge) }
        if Mutation.publishingIsNotAwaited.isPlanted, let staged = file.node.staged { return staged }
        let staged = try await staged(for: file, "write", appends: appends)
        // What was being published may have failed.
        if let failure = file.failure ?? staged.failure { throw failure }
        file.changes(staged)
        return staged
    }

    /// The staged file that changes through this handle go to, as long as that is what was opened, or changed here:
    /// whoever meets a newer version of others while he stages would write over what he has never seen, and fails
    /// alone.
    func staged(
        for file: OpenFile, _ operation: StaticString, appends: Bool = false
    ) async throws(FilesystemError) -> StagedFile {
        if !appends { try checkCurrent(file, operation) }
        let staged = try await staged(file.node, by: file.creator, .everything(appends: appends))
        if !appends, !Mutation.outdatedWritersAreStaged.isPlanted { try checkCurrent(file, operation) }
        return staged
    }

    private func checkCurrent(_ file: OpenFile, _ operation: StaticString) throws(FilesystemError) {
        if file.isOutdated || nodes.isApart(file.node) && file.node.staged == nil {
            throw fail(file, operation, .stale)
        }
    }

    /// Where bytes belong. What is appended goes to the end, wherever a front end, which may know an older version,
    /// thinks that it is; it hears then that it was wrong.
    private func position(in staged: StagedFile, _ offset: UInt64, _ appends: Bool) -> UInt64 {
        let end = staged.size
        guard appends, end != offset else { return offset }
        staged.wasRebased = true
        contentChanged(staged.node)
        return end
    }

    static func fits(_ count: Int, at offset: UInt64) -> Bool {
        offset <= largestFileBytes && UInt64(count) <= largestFileBytes - offset
    }

    /// Offsets, wherever a program thinks that they are.
    static func range(_ count: Int, at offset: UInt64) -> Range<UInt64> {
        offset..<offset + min(UInt64(count), .max - offset)
    }
}
