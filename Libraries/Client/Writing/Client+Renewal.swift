import Protocol

extension Client {
    /// Tells the shard that somebody is still working on a transient file, so that its deadline moves on. Refused with
    /// FILE_NOT_FOUND when it has passed.
    ///
    /// There is no request for that in the protocol, but appending an empty inline span does nothing else, whatever
    /// state the file is in, with every server (metadata.md A.6, B.9).
    func renew(_ file: TransientHandle) async throws(ClientError) {
        let nothing = AddInlineSpanRequest(
            fileId: file.id, cookie: file.cookie, storageClass: .empty, byteOffset: 0, size: 0,
            crc: CRC32C(rawValue: 0), body: [])
        _ = try await call(nothing, shard: file.id.shard)
    }

    /// Learns how long the shard keeps unfinished files, if that is not known or may have changed: it says so, or, of the
    /// base protocol, lists the file's deadline. Without an answer the shortest time goes on to be believed.
    func learnLifetime(of file: TransientHandle) async {
        guard core.openFiles.beginsLearning(file.id.shard) else { return }
        defer { core.openFiles.endsLearning(file.id.shard) }
        if supports(.transientLifetime) { return await askLifetime(file.id.shard) }
        let page: VisitTransientFilesResponse
        do throws(ClientError) {
            // Before the other: a request in between makes the difference too small, which does no harm.
            page = try await call(VisitTransientFilesRequest(beginId: file.id, mtu: 0), shard: file.id.shard)
        } catch {
            // Only shards that say their lifetime keep this from strangers, unless they were told not to.
            if error.isRefusal(.notAuthorised), !options.isBaseProtocolOnly { await askLifetime(file.id.shard) }
            return
        }
        guard
            let listed = page.files.first, listed.id == file.id,
            let found = try? await call(StatTransientFileRequest(id: file.id), shard: file.id.shard),
            listed.deadlineTime > found.mtime
        else { return }
        core.openFiles.learned(
            file.id.shard, lifetimeNanoseconds: listed.deadlineTime.nanoseconds - found.mtime.nanoseconds)
    }

    private func askLifetime(_ shard: ShardID) async {
        guard let answer = try? await call(TransientLifetimeRequest(), shard: shard) else { return }
        core.openFiles.learned(shard, lifetimeNanoseconds: answer.nanoseconds)
    }
}
