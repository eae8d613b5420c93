import Protocol

// What becomes of a file whose shard has given it up: nobody could renew it in time, because the machine was suspended
// or cut off. Nothing of it is lost as long as the collector has not come by.

extension FileWriter {
    /// Restorations of one file without a sign of life from its shard in between.
    static let restorationLimit = 3

    /// Called now and then while the file is open.
    func renew() async {
        defer { core.openFiles.renewalEnded(self) }
        // Whose name leads elsewhere by now is still read by who lays its bytes onto that.
        guard failure.map({ $0.isRefusal(.mismatchingTarget) || $0.isRefusal(.cannotOverrideName) }) ?? true else {
            return
        }
        guard !isRestoring, published == nil else { return }
        let (present, since) = (handle, core.openFiles.clock())
        do throws(ClientError) {
            try await client.renew(present)
            core.openFiles.touched(self, at: since)
            restorations = 0
            client.loop.task { [client] in await client.learnLifetime(of: present) }
        } catch {
            // Anything else passes, or shows when something is stored. The next turn tries again.
            guard error.isRefusal(.fileNotFound), present == handle else { return }
            lost()
        }
        await renewTail()
    }

    /// The shard does not know the file any more.
    func lost() {
        guard failure == nil, !isRestoring, published == nil else { return }
        isLost = true
        startStoring()
    }

    /// Makes another transient file and stores in it again what the lost one has. Unless it was not lost at all, but
    /// has its name already: then an answer was.
    func restore() async throws(ClientError) {
        isRestoring = true
        defer { isRestoring = false }
        let old = handle
        if let version = try await version(of: old) {
            published = version
            dropSealed()
        } else {
            let since = core.openFiles.clock()
            restorations += 1
            guard restorations <= Self.restorationLimit else { throw ClientError(.expired, "keeping of \(old.id)") }
            let client = client
            let fresh = try await client.persistently { () throws(ClientError) in
                try await client.construct(in: old.id.shard, note: note, type: old.id.type)
            }
            do throws(ClientError) {
                try await client.copySpans(of: old, upTo: sealed.first?.byteOffset ?? sealedBytes, to: fresh, policies)
            } catch {
                await client.scrap(fresh)
                throw error
            }
            handle = fresh
            core.openFiles.touched(self, at: since)
        }
        isLost = false
    }

    /// What the file was published as; nil when it was not.
    private func version(of file: TransientHandle) async throws(ClientError) -> PublishedVersion? {
        let client = client
        do throws(ClientError) {
            let version = try await client.persistently { () throws(ClientError) in
                try await client.version(of: file.id)
            }
            return PublishedVersion(creationTime: version.attributes.modified, number: version.number)
        } catch {
            guard error.isRefusal(.fileNotFound) else { throw error }
            return nil
        }
    }
}

extension Client {
    /// Stores the first `end` bytes of a transient file, expired or not, once more in another one.
    func copySpans(
        of old: TransientHandle, upTo end: UInt64, to fresh: TransientHandle, _ policies: WritePolicies
    ) async throws(ClientError) {
        let reader = FileReader(client: self, id: old.id, size: end)
        let start = loop.monotonicNanoseconds
        var offset: UInt64 = 0
        while offset < end {
            let span = try await storedSpan(of: old, at: offset)
            let encoded: EncodedSpan
            do throws(ClientError) {
                if case .inline(let inline) = span.body {
                    encoded = SpanEncoder.inline(inline.body, span.header.size)
                } else {
                    encoded = try await self.encoded(span, from: reader, policies)
                }
            } catch {
                // Servers may be back later; as long as the collector has not taken the span, it is there. Meanwhile the
                // new file must not expire.
                guard error.mayComeBack, mayPersist(since: start) else { throw error }
                await loop.sleep(nanoseconds: 1_000_000_000)
                try? await renew(fresh)
                continue
            }
            guard encoded.crc == span.header.crc else {
                throw ClientError(.corruptPage, "restoring of \(old.id)", "a span does not match its checksum")
            }
            try await store(encoded, in: fresh, at: offset)
            offset += UInt64(span.header.size)
        }
    }

    private func storedSpan(of file: TransientHandle, at offset: UInt64) async throws(ClientError) -> FetchedSpan {
        let request = LocalFileSpansRequest(
            fileId: file.id, byteOffset: offset, limit: 1, mtu: options.datagramBytes)
        do throws(ClientError) {
            let page = try await persist(request, shard: file.id.shard)
            if let span = page.spans.first, span.header.byteOffset == offset, span.header.size > 0 { return span }
        } catch {
            guard error.isRefusal(.fileNotFound) else { throw error }
        }
        throw ClientError(.expired, "restoring of \(file.id)")
    }
}
