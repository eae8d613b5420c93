import Protocol

extension Client {
    /// Gives a transient file a name that leads to `expected`; null: that nothing has. So a new version of a file does
    /// not undo what somebody else did since it was read.
    ///
    /// Servers of the base protocol cannot compare and link in one step: there the name is looked at just before.
    /// - Throws: a refusal with MISMATCHING_TARGET when the name leads elsewhere; the file stays transient.
    public func link(
        _ file: TransientHandle, in directory: InodeID, name: [UInt8], ifUnchanged expected: InodeID
    ) async throws(ClientError) -> Timestamp {
        guard supports(.linkIfUnchanged) else {
            let present = try await persistently { () throws(ClientError) in try await target(of: name, in: directory) }
            guard present == expected else {
                throw ClientError(.refused(.mismatchingTarget), "linking of a file")
            }
            return try await link(file, in: directory, name: name)
        }
        let request = LinkFileIfUnchangedRequest(
            fileId: file.id, cookie: file.cookie, ownerId: directory, name: name, expectedId: expected)
        return try await patiently(for: linkingNanoseconds) { () throws(ClientError) in
            let outcome = await persistCounted(request, shard: file.id.shard)
            do throws(ClientError) {
                return try outcome.result.get().creationTime
            } catch {
                // An answer may have been lost, and somebody else continued the file since.
                guard outcome.attempts > 1, error.isRefusal(.fileNotFound) else { throw error }
                return try await attributes(of: file.id).modified
            }
        }
    }

    /// What a name leads to; null: nothing.
    public func target(of name: [UInt8], in directory: InodeID) async throws(ClientError) -> InodeID {
        do {
            return try await lookup(name, in: directory).targetId
        } catch {
            guard error.isRefusal(.nameNotFound) else { throw error }
            return .null
        }
    }
}
