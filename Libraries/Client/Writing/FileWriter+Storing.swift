import DequeModule
import EventLoop
import Mutations
import Protocol

extension FileWriter {
    static let cannotBeCoded = ClientError(.badPolicy, "coding of a span", "no memory, or no layout for it")

    func startStoring() {
        guard !isStoring, hasWork else { return }
        isStoring = true
        client.loop.task { await self.storeAll() }
    }

    /// What is published already, without its writer having heard of it, is complete.
    private var hasWork: Bool {
        (published == nil || Mutation.publishedFilesAreStoredAgain.isPlanted)
            && (isLost || mustRebuild || !sealed.isEmpty)
    }

    private func storeAll() async {
        var places: [AddSpanInitiateBlockInfo]?
        while failure == nil, hasWork {
            do throws(ClientError) {
                if isLost || mustRebuild {
                    places = nil
                    try await rebuild()
                } else {
                    places = try await storeFirst(at: places)
                }
            } catch {
                // Not in vain as long as what it holds can be read.
                if error.isRefusal(.fileNotFound) { isLost = true } else { fail(error) }
            }
            progressed()
        }
        isStoring = false
        if failure != nil { dropSealed() }
        progressed()
    }

    /// - Parameter places: where its blocks go, if the shard was asked already.
    /// - Returns: the same for the next span.
    private func storeFirst(
        at places: [AddSpanInitiateBlockInfo]?
    ) async throws(ClientError) -> [AddSpanInitiateBlockInfo]? {
        guard let whole = sealed.first else { return nil }
        let (span, rest) = (whole.first, whole.rest)
        guard let encoded = await span.encodedValue() else { throw Self.cannotBeCoded }
        let since = core.openFiles.clock()
        let outcome = try await client.store(encoded, in: handle, at: span.byteOffset, places: places) {
            rest == nil ? await self.afterwards() : .nothing
        }
        published = outcome.published
        ownBytes = span.endOffset
        referred = nil
        core.openFiles.touched(self, at: since)
        if !sealed.isEmpty {
            core.uploads.remove(sealed.removeFirst().heldBytes)
            if let rest { sealed.prepend(rest) }
        }
        return outcome.nextPlaces
    }

    /// What may be asked of the shard together with the end of the span that is being stored.
    private func afterwards() async -> SpanSequel {
        guard failure == nil else { return .nothing }
        if isEnded, sealed.count == 1, patches.isEmpty, let publication {
            return .publication(await numbered(publication))
        }
        guard sealed.count > 1, let encoded = sealed[1].encoded else { return .nothing }
        return .span(encoded, byteOffset: sealed[1].byteOffset)
    }

    func nextProgress() async {
        await withUnsafeContinuation { waiters.append($0) }
    }

    func progressed() {
        let resumed = waiters
        waiters = []
        for waiter in resumed { waiter.resume() }
        core.openFiles.changed()
    }

    func dropSealed() {
        for span in sealed { core.uploads.remove(span.heldBytes) }
        sealed.removeAll()
        buffer = nil
        patches = Patches()
        moves &+= 1
    }

    // MARK: Ending

    /// Waits until everything sealed so far is stored.
    public func stored() async throws(ClientError) {
        while failure == nil, isStoring { await nextProgress() }
        try checkFailure()
    }

    /// Stores what is left and gives the file its name, in place of whatever file has it. `directory` must be in the
    /// file's shard, as the one is for which the file was made.
    /// - Parameter expected: what the name must lead to before; null: nothing; nil: whatever it is. Otherwise the
    ///   refusal is MISMATCHING_TARGET.
    /// - Returns: the creation time of the name.
    public func finish(
        linkingIn directory: InodeID, name: [UInt8], ifUnchanged expected: InodeID? = nil
    ) async throws(ClientError) -> Timestamp {
        let condition = expected.map { $0.isNull ? Publication.Condition.nothing : .version($0) }
        do {
            return try await finish(
                Publication(directory: directory, name: name, condition: condition ?? .anything)
            ).creationTime
        } catch {
            guard condition == .nothing, error.isRefusal(.cannotOverrideName) else { throw error }
            throw ClientError(.refused(.mismatchingTarget), error.operation)
        }
    }

    /// Stores what is left and publishes the file, whose directory must be in the file's shard.
    /// - Throws: refusals as `Client.publish`. What is stored can still be read then, until the file is abandoned.
    public func finish(_ publication: Publication) async throws(ClientError) -> PublishedVersion {
        try checkUsable()
        try Client.checkName(publication.name)
        isEnded = true
        self.publication = publication
        sealRest()
        startStoring()
        do {
            let version = try await publish(publication)
            published = version
            core.fittingFiles.insert(handle.id, policies)
            ended()
            return version
        } catch {
            throw fail(error)
        }
    }

    private func publish(_ publication: Publication) async throws(ClientError) -> PublishedVersion {
        while true {
            try await stored()
            if let published { return published }
            let tried = handle
            do {
                return try await client.publish(tried, await numbered(publication))
            } catch {
                guard error.isRefusal(.fileNotFound) else { throw error }
                // Somebody else may have noticed, and another one be there already.
                if tried == handle { lost() }
            }
        }
    }

    /// A new file that had to be written once more keeps the number by which it was known, which has to be free for it.
    private func numbered(_ publication: Publication) async -> Publication {
        guard publication.number == nil, handle.id != firstID, handle.id.shard == firstID.shard,
            !Mutation.rebuiltFilesGetNewNumbers.isPlanted
        else { return publication }
        await givingUpFirst?.value
        var publication = publication
        publication.number = firstID
        return publication
    }

    /// Gives the file up: nothing of it becomes visible, and its blocks are collected soon. Without effect after
    /// `finish`.
    public func abandon() async {
        guard !isEnded || failure != nil else { return }
        isEnded = true
        fail(ClientError(.closed, "use of an abandoned file"))
        if !isStoring { dropSealed() }
        ended()
        await client.scrap(handle)
    }

    private func ended() {
        core.openFiles.remove(self)
        dropTail()
    }
}
