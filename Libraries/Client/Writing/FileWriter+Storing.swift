import EventLoop
import Protocol

extension FileWriter {
    func startStoring() {
        guard !isStoring, !sealed.isEmpty else { return }
        isStoring = true
        client.loop.task { await self.storeAll() }
    }

    private func storeAll() async {
        var places: [AddSpanInitiateBlockInfo]?
        while failure == nil, let span = sealed.first {
            do throws(ClientError) {
                places = try await store(span, at: places)
            } catch {
                fail(error)
            }
            if !sealed.isEmpty { core.uploads.remove(sealed.removeFirst().heldBytes) }
            progressed()
        }
        isStoring = false
        if failure != nil { dropSealed() }
        progressed()
    }

    /// - Parameter places: where its blocks go, if the shard was asked already.
    /// - Returns: the same for the next span.
    private func store(
        _ span: SealedSpan, at places: [AddSpanInitiateBlockInfo]?
    ) async throws(ClientError) -> [AddSpanInitiateBlockInfo]? {
        guard let encoded = await span.encodedValue() else {
            throw ClientError(.badPolicy, "coding of a span", "no memory, or no layout for it")
        }
        let outcome = try await client.store(encoded, in: handle, at: span.byteOffset, places: places) {
            await self.afterwards()
        }
        creationTime = outcome.creationTime
        return outcome.nextPlaces
    }

    /// What may be asked of the shard together with the end of the span that is being stored.
    private func afterwards() -> SpanSequel {
        if isEnded, sealed.count == 1, let pendingName { return .name(pendingName) }
        guard sealed.count > 1, let encoded = sealed[1].encoded else { return .nothing }
        return .span(encoded, byteOffset: sealed[1].byteOffset)
    }

    func nextProgress() async {
        await withUnsafeContinuation { waiters.append($0) }
    }

    private func progressed() {
        let resumed = waiters
        waiters = []
        for waiter in resumed { waiter.resume() }
    }

    private func dropSealed() {
        for span in sealed { core.uploads.remove(span.heldBytes) }
        sealed.removeAll()
        buffer = nil
    }

    // MARK: Ending

    /// Waits until everything sealed so far is stored.
    public func stored() async throws(ClientError) {
        while failure == nil, isStoring { await nextProgress() }
        if let failure { throw failure }
    }

    /// Stores what is left and gives the file its name, in place of whatever file has it. `directory` must be in the
    /// file's shard, as the one is for which the file was made.
    /// - Parameter expected: what the name must lead to before, as in `Client.link(_:in:name:ifUnchanged:)`; nil:
    ///   whatever it is.
    /// - Returns: the creation time of the name.
    public func finish(
        linkingIn directory: InodeID, name: [UInt8], ifUnchanged expected: InodeID? = nil
    ) async throws(ClientError) -> Timestamp {
        try checkUsable()
        try Client.checkName(name)
        isEnded = true
        if expected == nil { pendingName = PendingName(directory: directory, name: name) }
        sealRest()
        do {
            try await stored()
            if let creationTime { return creationTime }
            guard let expected else { return try await client.link(handle, in: directory, name: name) }
            return try await client.link(handle, in: directory, name: name, ifUnchanged: expected)
        } catch {
            throw fail(error)
        }
    }

    /// Gives the file up: nothing of it becomes visible, and its blocks are collected soon. Without effect after
    /// `finish`.
    public func abandon() async {
        guard !isEnded || failure != nil else { return }
        isEnded = true
        fail(ClientError(.closed, "use of an abandoned file"))
        if !isStoring { dropSealed() }
        await client.scrap(handle)
    }
}
