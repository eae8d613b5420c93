import Client
import Glibc
import Mutations
import Protocol

extension Filesystem {
    /// The bytes at `offset`, as they are on this host; fewer than `count` only at the end of the file.
    public func read(_ handle: HandleID, at offset: UInt64, count: Int) async throws(FilesystemError) -> FileData {
        if let reader = snapshots.readers[handle] {
            return try await patience.outlastingOutages { () throws(ClientError) in
                try await reader.read(at: offset, count: count)
            }
        }
        let file = try file(handle)
        let node = file.node
        let start = loop.monotonicNanoseconds
        while true {
            if let staged = node.staged {
                let writer = staged.writer
                do throws(FilesystemError) {
                    // What is stored is read from the cluster, once it is there.
                    return try await patience.run(since: start) { () throws(ClientError) in
                        try await writer.read(at: offset, count: count)
                    }
                } catch {
                    // Of what has failed for good there is nothing to wait for.
                    if await writer.failure == nil, !Mutation.readsOfEditsWaitForNobody.isPlanted,
                        await patience.outlasts(error, since: start)
                    {
                        continue
                    }
                    guard error.code != ETIMEDOUT, node.staged !== staged || staged.writer !== writer
                        || staged.state == .publishing
                    else { throw error }
                    // The same bytes are in what is published, or in what another one's version was added to.
                    try await settle(node)
                    continue
                }
            }
            guard let reader = file.reader(client) else { throw file.failure ?? .inputOutput }
            do throws(FilesystemError) {
                if Mutation.readsHaveNoEnd.isPlanted {
                    return try await posix { () throws(ClientError) in try await reader.read(at: offset, count: count) }
                }
                return try await patience.run(since: start) { () throws(ClientError) in
                    try await reader.read(at: offset, count: count)
                }
            } catch {
                if node.staged != nil || node.content != reader.id { continue }
                if await patience.outlasts(error, since: start) { continue }
                guard error.isRefusal(.fileNotFound) else { throw error }
                guard try await followNewest(node) else { throw .stale }
            }
        }
    }

    /// As `read` of a finished file, when everything is at hand; nil otherwise.
    public func readNow(_ handle: HandleID, at offset: UInt64, count: Int) -> FileData? {
        guard let file = openFiles[handle], file.node.staged == nil else { return nil }
        return file.reader(client)?.readNow(at: offset, count: count)
    }
}
