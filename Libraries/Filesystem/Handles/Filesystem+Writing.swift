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
            staged.state == .building, staged.failure == nil, staged.lateChanges == 0
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
        let staged = try await stagedForWriting(file, at: offset, count: bytes.count, appends)
        let position = position(in: staged, offset, appends)
        guard Self.fits(bytes.count, at: position) else { throw fail(staged, "write", .tooLarge) }
        staged.willChange(position..<position + UInt64(bytes.count), appends: appends)
        if appends { staged.promisedSize = position + UInt64(bytes.count) }
        clearPrivileges(of: staged, for: caller)
        try await change(staged, "write", isPage: isPage) { writer async throws(ClientError) in
            try await writer.write(bytes, at: position)
        }
    }

    /// The staged file that a write through this handle goes to.
    func stagedForWriting(
        _ file: OpenFile, at offset: UInt64, count: Int, _ appends: Bool
    ) async throws(FilesystemError) -> StagedFile {
        guard file.writes else { throw .badDescriptor }
        if let failure = file.failure { throw failure }
        do throws(FilesystemError) {
            if file.node.staged == nil, !Self.fits(count, at: offset) { throw .tooLarge }
            if Mutation.publishingIsNotAwaited.isPlanted, let staged = file.node.staged { return staged }
            while true {
                let staged = try await staged(for: file, appends: appends)
                // What was being published may have failed.
                if let failure = file.failure ?? staged.failure { throw failure }
                file.changes(staged)
                guard staged.lateChanges > 0 else { return staged }
                try await lateChangesEnd(staged)
            }
        } catch {
            if file.node.staged?.failure != nil { throw error }
            throw fail(file, "write", error)
        }
    }

    /// The staged file that changes through this handle go to, as long as that is what was opened, or changed here:
    /// whoever meets a newer version of others while he stages would write over what he has never seen.
    func staged(for file: OpenFile, appends: Bool = false) async throws(FilesystemError) -> StagedFile {
        if !appends { try checkCurrent(file) }
        let staged = try await staged(file.node, by: file.creator, .everything(appends: appends))
        if !appends, !Mutation.outdatedWritersAreStaged.isPlanted { try checkCurrent(file) }
        return staged
    }

    private func checkCurrent(_ file: OpenFile) throws(FilesystemError) {
        if file.isOutdated || nodes.isApart(file.node) && file.node.staged == nil { throw .stale }
    }

    /// Where bytes belong. What is appended goes to the end, wherever a front end, which may know an older version,
    /// thinks that it is; it hears then that it was wrong.
    private func position(in staged: StagedFile, _ offset: UInt64, _ appends: Bool) -> UInt64 {
        guard appends, staged.end != offset else { return offset }
        staged.wasRebased = true
        contentChanged(staged.node)
        return staged.end
    }

    static func fits(_ count: Int, at offset: UInt64) -> Bool {
        offset <= largestFileBytes && UInt64(count) <= largestFileBytes - offset
    }
}
