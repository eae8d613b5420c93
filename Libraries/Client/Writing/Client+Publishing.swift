import Protocol

extension Client {
    /// Gives a transient file its name, as a file of its own or as the next version of one.
    ///
    /// Where shards do not know PUBLISH_FILE, every version is a file of its own and leaves a snapshot; those that do
    /// not even know LINK_FILE_IF_UNCHANGED cannot compare and link in one step: there the name is looked at just
    /// before.
    /// - Throws: a refusal with MISMATCHING_TARGET when the name leads to something else than the version expected,
    ///   with CANNOT_OVERRIDE_NAME when it leads to anything and should not; the file stays transient.
    public func publish(
        _ file: TransientHandle, _ publication: Publication
    ) async throws(ClientError) -> PublishedVersion {
        guard publication.special == nil || storesAttributes else {
            throw ClientError(.refused(.unrecognizedRequest), "making of a special file")
        }
        guard !isPlain(publication), supports(.publishing) else { return try await publishByLinking(file, publication) }
        return try await published(file) { await publishOnce(file, publication) }
    }

    /// Whether LINK_FILE does it.
    func isPlain(_ publication: Publication) -> Bool {
        publication.condition == .anything && publication.number == nil
            && !(publication.hasAttributes && storesAttributes)
    }

    /// Asks the shard to publish a file, with PUBLISH_FILE or, if that cannot say it all, its greater relative.
    func publishOnce(
        _ file: TransientHandle, _ publication: Publication, appending span: AddInlineSpanRequest? = nil
    ) async -> CountedResult<PublishedVersion> {
        let request = PublishFileRequest(file, publication, appending: span)
        guard publication.hasAttributes, storesAttributes else {
            return await persistCounted(request, shard: file.id.shard).map { PublishedVersion($0) }
        }
        return await publishWithAttributes(publication) {
            await persistCounted(PublishFileWithAttributesRequest(request, publication), shard: file.id.shard)
                .map { PublishedVersion($0) }
        }
    }

    /// Asks the shard to certify a file's last span and to publish the file, with one request; nil: it cannot do that,
    /// or the publication says nothing of attributes, and what the file inherits follows the rules of PUBLISH_FILE.
    func certifyAndPublish(
        _ file: TransientHandle, _ certification: AddSpanCertifyRequest, _ publication: Publication
    ) async -> CountedResult<PublishedVersion>? {
        guard publication.hasAttributes, storesAttributes, supports(.certifyAndPublish) else { return nil }
        return await publishWithAttributes(publication) {
            let request = CertifyAndPublishRequest(
                publication: PublishFileWithAttributesRequest(PublishFileRequest(file, publication), publication),
                byteOffset: certification.byteOffset, proofs: certification.proofs)
            return await persistCounted(request, shard: file.id.shard).map { PublishedVersion($0.publication) }
        }
    }

    /// Nothing is asked for attributes that no shard takes.
    private func publishWithAttributes(
        _ publication: Publication, _ ask: () async -> CountedResult<PublishedVersion>
    ) async -> CountedResult<PublishedVersion> {
        do throws(ClientError) {
            try publication.change.check()
        } catch {
            return CountedResult(result: .failure(error), attempts: 0)
        }
        return await ask()
    }

    /// Repeats what publishes a file while its name is locked.
    private func published(
        _ file: TransientHandle, _ ask: () async -> CountedResult<PublishedVersion>
    ) async throws(ClientError) -> PublishedVersion {
        try await patiently(for: linkingNanoseconds) { () throws(ClientError) in
            let outcome = await ask()
            do throws(ClientError) {
                return try outcome.get()
            } catch {
                guard outcome.attempts > 1, error.isRefusal(.fileNotFound) else { throw error }
                return try await versionPublishedUnheard(file)
            }
        }
    }

    /// What a file became whose publication was repeated and is refused because there is no such unfinished file: an
    /// answer was lost, and somebody else published the next version or renamed it since.
    func versionPublishedUnheard(_ file: TransientHandle) async throws(ClientError) -> PublishedVersion {
        let found = try await persistently { () throws(ClientError) in try await self.version(of: file.id) }
        return PublishedVersion(
            creationTime: found.attributes.modified, number: found.number,
            ownership: found.attributes.stored?.ownership)
    }

    /// A version of a file (or symbolic link) that is linked or superseded, and the file's number. Where shards know
    /// none it is the version's own.
    public func version(of id: InodeID) async throws(ClientError) -> FileVersion {
        if storesAttributes { return FileVersion(try await statAttributes(id)) }
        guard supports(.publishing) else { return FileVersion(number: id, attributes: try await attributes(of: id)) }
        return FileVersion(try await call(StatVersionRequest(id: id, newest: false), shard: id.shard))
    }

    /// The newest version of a file.
    /// - Parameters:
    ///   - number: the file's, as `version(of:)` tells it.
    ///   - known: a version of it: it is in the shard of this one that the newest is looked for. A file that was moved
    ///     to another shard has its newer versions there. Nil: the shard in which the file was made.
    public func newestVersion(
        ofFile number: InodeID, near known: InodeID? = nil
    ) async throws(ClientError) -> FileVersion {
        guard supports(.publishing) else { return try await version(of: number) }
        let shard = (known ?? number).shard
        if storesAttributes { return FileVersion(try await statAttributes(number, newest: true, at: shard)) }
        return FileVersion(try await call(StatVersionRequest(id: number, newest: true), shard: shard))
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

    // MARK: Without PUBLISH_FILE

    private func publishByLinking(
        _ file: TransientHandle, _ publication: Publication
    ) async throws(ClientError) -> PublishedVersion {
        let (directory, name) = (publication.directory, publication.name)
        guard let expected = publication.expected else {
            let time = try await link(file, in: directory, name: name)
            return PublishedVersion(creationTime: time, number: file.id)
        }
        do {
            return try await link(file, in: directory, name: name, over: expected)
        } catch {
            guard expected.isNull, error.isRefusal(.mismatchingTarget) else { throw error }
            throw ClientError(.refused(.cannotOverrideName), error.operation)
        }
    }

    /// Gives a transient file a name that leads to `expected`; null: that nothing has.
    private func link(
        _ file: TransientHandle, in directory: InodeID, name: [UInt8], over expected: InodeID
    ) async throws(ClientError) -> PublishedVersion {
        guard supports(.linkIfUnchanged) else {
            let present = try await persistently { () throws(ClientError) in try await target(of: name, in: directory) }
            guard present == expected else {
                throw ClientError(.refused(.mismatchingTarget), "linking of a file")
            }
            let time = try await link(file, in: directory, name: name)
            return PublishedVersion(creationTime: time, number: file.id)
        }
        let request = LinkFileIfUnchangedRequest(
            fileId: file.id, cookie: file.cookie, ownerId: directory, name: name, expectedId: expected)
        return try await published(file) {
            await persistCounted(request, shard: file.id.shard).map {
                PublishedVersion(creationTime: $0.creationTime, number: file.id)
            }
        }
    }
}

extension PublishedVersion {
    init(_ response: PublishFileResponse) {
        self.init(creationTime: response.creationTime, number: response.number)
    }

    init(_ response: PublishFileWithAttributesResponse) {
        self.init(
            creationTime: response.creationTime, number: response.number, ownership: Ownership(response.ownership))
    }
}
