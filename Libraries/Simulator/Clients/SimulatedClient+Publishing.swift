import Client
import Erasure
import Protocol

/// Versions of files, as clients that edit them publish them.
extension SimulatedClient {
    /// What a name leads to now; nil: nothing.
    func target(of place: Place) async throws(ClientError) -> InodeID? {
        do {
            return try await lookup(place).target
        } catch {
            guard error.isRefusal(.nameNotFound) else { throw error }
            return nil
        }
    }

    /// Gives a file a name: whatever has it, if nothing has it, or as the next version of what has it. Its last span
    /// may come with it, or be certified with it.
    /// - Parameter kind: what it is, if it is empty.
    func publish(
        _ file: TransientInode, _ contents: FileContents, at place: Place, kind: SpecialFileKind = .none
    ) async throws(ClientError) {
        var request = PublishFileRequest(
            fileId: file.id, cookie: file.cookie, storageClass: .empty, byteOffset: 0, size: 0, crc: .zero, body: [],
            ownerId: place.directory, name: place.name, isConditional: true, expectedId: .null, number: .null,
            supersedes: world.random.perMille(600))
        var contents = contents
        if kind == .none, world.random.perMille(400) {
            let (body, span) = inlineSpan(at: contents.size)
            contents.spans.append(span)
            (request.storageClass, request.byteOffset, request.size) = (.inline, span.byteOffset, span.size)
            (request.crc, request.body) = (span.crc, body)
        }
        var certification: Certification?
        if kind == .none, request.body.isEmpty, world.random.perMille(300) {
            let span = FileContents.blockSpan(at: contents.size, &world.random)
            certification = Certification(offset: span.byteOffset, proofs: try await writeBlockSpan(span, to: file))
            contents.spans.append(span)
        }
        cluster.contents[file.id] = contents
        let present = world.random.perMille(150) ? nil : try await target(of: place)
        await hesitate()
        var number = InodeID.null
        if let present, present.isFile {
            number = try await call(StatVersionRequest(id: present, newest: false), shard: present.shard).number
        }
        // Now and then a file that it is no version of, which only the shard of both can know.
        let isMistaken = present?.shard == file.id.shard && !number.isNull && world.random.perMille(150)
        request.number = isMistaken ? lastNumber : number
        request.expectedId = present ?? .null
        request.isConditional = world.random.perMille(850)
        let version =
            kind == .none && certification == nil && world.random.perMille(500)
            ? try await publish(request, place, over: present)
            : try await publishWithAttributes(request, certification, kind, place, over: present)
        cluster.numbers[file.id] = version.number
        lastNumber = version.number
        // Only what its condition held is known to have been replaced, and what came back may have another number.
        guard request.isConditional, !number.isNull, request.number == number, version.number != number,
            present.flatMap({ cluster.watch.numbers[$0] }) ?? number == number
        else { return }
        world.find("\(file.id) was published with the number \(version.number) and not \(request.number)")
    }

    private func publish(
        _ request: PublishFileRequest, _ place: Place, over present: InodeID?
    ) async throws(ClientError) -> PublishFileResponse {
        let intent = wantPublished(request, place, over: present)
        let outcome = await counted(request, shard: place.directory.shard)
        settle([intent], outcome.map { Meaning(target: request.fileId, creationTime: $0.creationTime) })
        return try outcome.result.get()
    }

    private func publishWithAttributes(
        _ publication: PublishFileRequest, _ certification: Certification?, _ kind: SpecialFileKind, _ place: Place,
        over present: InodeID?
    ) async throws(ClientError) -> PublishFileResponse {
        let request = PublishFileWithAttributesRequest(
            publication: publication, inherits: world.random.perMille(600),
            keepsPrivileges: world.random.perMille(500),
            otherwise: InodeOwnership(mode: 0o600, uid: 9, gid: 9), kind: kind,
            device: kind.isDevice ? world.random.next() : 0, change: anyChange())
        let intent = wantPublished(publication, place, over: present)
        let outcome = await publish(request, certification, in: place.directory.shard)
        settle([intent], outcome.map { Meaning(target: publication.fileId, creationTime: $0.creationTime) })
        let published = try outcome.result.get()
        cluster.watch.attributes.promised(
            publication.fileId, request.change, inherits: request.inherits && kind == .none,
            otherwise: request.otherwise, kind: kind, device: request.device)
        return PublishFileResponse(creationTime: published.creationTime, number: published.number)
    }

    /// With the last span's proofs, if there are any; now and then they are wrong, which no shard may believe.
    private func publish(
        _ request: PublishFileWithAttributesRequest, _ certification: Certification?, in shard: ShardID
    ) async -> Outcome<PublishFileWithAttributesResponse> {
        guard var certification else { return await counted(request, shard: shard) }
        let isWrong = world.random.perMille(50)
        if isWrong { certification.proofs[0].proof = MAC(rawValue: ~certification.proofs[0].proof.rawValue) }
        let outcome = await counted(
            CertifyAndPublishRequest(
                publication: request, byteOffset: certification.offset, proofs: certification.proofs),
            shard: shard)
        if isWrong, case .success = outcome.result {
            world.find("\(request.publication.fileId) was published with a block that nobody proved")
        }
        return outcome.map(\.publication)
    }

    private func wantPublished(_ request: PublishFileRequest, _ place: Place, over present: InodeID?) -> Intent {
        let change = request.isConditional
            ? Intent.Change.replace(request.fileId, over: present) : .put(request.fileId)
        return want(change, place, "publishing")
    }

    /// What a shard has to see of a file's last span before it can be published.
    private struct Certification {
        let offset: UInt64
        var proofs: [BlockProof]
    }
}
