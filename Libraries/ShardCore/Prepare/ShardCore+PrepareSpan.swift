import Mutations
import Protocol

extension ShardCore {
    /// ADD_SPAN_INITIATE in its three forms (B.9).
    func prepareNewSpan(
        _ request: AnyShardRequest, _ identity: ShardIdentity, at now: Timestamp
    ) throws(ShardFailure) -> ShardLogEntry {
        let span: AddSpanInitiateRequest
        var reference = InodeID.null
        var location = LocationID.default
        let form: NewSpan.Form
        switch request {
        case .addSpanInitiate(let request):
            (span, form) = (request, .plain)
        case .addSpanInitiateWithReference(let request):
            (span, reference, form) = (request.req, request.reference, .withReference)
        case .addSpanAtLocationInitiate(let request):
            (span, reference, form) = (request.req.req, request.req.reference, .atLocation)
            location = request.locationId
        default: throw .refused(.unrecognizedRequest)
        }
        if reference.isNull { reference = span.fileId }
        guard span.fileId.isFile, reference.isFile else { throw .refused(.typeIsDirectory) }
        try checkFile(span.fileId, span.cookie, identity)
        let checksums = try check(span)
        let stamp = stamp(now)
        let services = try pickServices(for: span, location, reference, at: stamp.time)
        let blocks = zip(services, checksums.blockCRCs).map { NewSpan.Block(service: $0, crc: $1) }
        let newSpan = NewSpan(
            form: form, fileId: span.fileId, byteOffset: span.byteOffset, size: span.size, crc: span.crc,
            location: location, storageClass: span.storageClass, parity: span.parity, stripes: span.stripes,
            cellSize: span.cellSize, blocks: blocks, stripeCRCs: checksums.stripeCRCs)
        return entry(.addSpan(newSpan), at: stamp)
    }

    /// The sizes and checksums of a new span.
    private func check(_ span: AddSpanInitiateRequest) throws(ShardFailure) -> SpanChecksums {
        guard span.storageClass == .hdd || span.storageClass == .flash,
            Self.isPageAligned(span.byteOffset),
            span.cellSize > 0, span.cellSize % SpanLimits.pageSize == 0,
            (1...SpanLimits.maximumSpanSize).contains(span.size),
            SpanLimits.stripes.contains(span.stripes), span.parity.isValid,
            UInt64(span.cellSize) * UInt64(span.stripes) <= UInt64(SpanLimits.maximumSpanSize),
            let checksums = SpanChecksums(span)
        else { throw .refused(.badSpanBody) }
        return checksums
    }

    private func pickServices(
        for span: AddSpanInitiateRequest, _ location: LocationID, _ reference: InodeID, at time: Timestamp
    ) throws(ShardFailure) -> [BlockServiceID] {
        let picker = BlockServicePicker(
            table: blockServices, location: location, storageClass: span.storageClass, blacklist: span.blacklist)
        var preferred: [BlockServiceID] = []
        if reference != span.fileId || span.byteOffset != 0 {
            preferred = try servicesOfEnds(of: reference, at: location)
        }
        guard let picked = picker.pick(span.parity.blocks, preferring: preferred, at: time) else {
            throw .refused(.couldNotPickBlockServices)
        }
        return picked
    }

    /// The block services of a file's first span, then of its last: a file on few disks is hit by few disk failures.
    private func servicesOfEnds(of file: InodeID, at location: LocationID) throws(ShardFailure) -> [BlockServiceID] {
        let first = try state.home(of: file, 0)?.span
        let last = try state.lastSpan(of: file)
        return [first, last].flatMap { span in
            span?.locations.first { $0.location == location }?.blocks.map(\.service) ?? []
        }
    }

    /// What a block service's proof says.
    enum ProofKind {
        case write
        case erase
    }

    /// Finds out which block services made the proofs. The state may be behind the log, so a span that is not found
    /// only leaves proofs unproven: whether that matters is decided when the entry is applied.
    func checkedProofs(
        _ file: InodeID, _ byteOffset: UInt64, _ proofs: [BlockProof], of kind: ProofKind
    ) throws(ShardFailure) -> CheckedProofs {
        let blocks = try state.home(of: file, byteOffset)?.span.allBlocks ?? []
        let services = Dictionary(blocks.map { ($0.id, $0.service) }, uniquingKeysWith: { first, _ in first })
        let checked = proofs.map { proof in
            let service = services[proof.blockId].flatMap { service in
                isRight(proof, of: service, kind) ? service : nil
            }
            return CheckedProofs.Proof(blockId: proof.blockId, provenService: service)
        }
        return CheckedProofs(fileId: file, byteOffset: byteOffset, proofs: checked)
    }

    private func isRight(_ proof: BlockProof, of service: BlockServiceID, _ kind: ProofKind) -> Bool {
        guard let key = secrets.key(of: service, in: blockServices) else { return false }
        return switch kind {
        case .write: key.writeProof(blockService: service, block: proof.blockId) == proof.proof
        case .erase: key.eraseProof(blockService: service, block: proof.blockId) == proof.proof
        }
    }

    /// The failure domains of all block services that a swap may bring together. While it is not known where a block
    /// belongs that would come to others, as after a start, there is no swap.
    func domains(around request: SwapBlocksRequest) throws(ShardFailure) -> [ServiceDomain] {
        let span1 = try state.home(of: request.fileId1, request.byteOffset1)?.span
        let span2 = try state.home(of: request.fileId2, request.byteOffset2)?.span
        try checkDomain(of: request.blockId2, in: span2, joining: request.blockId1, in: span1)
        try checkDomain(of: request.blockId1, in: span1, joining: request.blockId2, in: span2)
        let services = Set([span1, span2].flatMap { $0?.allBlocks.map(\.service) ?? [] })
        return services.sorted().compactMap { service in
            blockServices.services[service].map { ServiceDomain(service: service, domain: $0.failureDomain) }
        }
    }

    private func checkDomain(
        of block: BlockID, in span: SpanRecord?, joining replaced: BlockID, in other: SpanRecord?
    ) throws(ShardFailure) {
        guard let service = span?.allBlocks.first(where: { $0.id == block })?.service, let other,
            let place = other.place(of: replaced), other.locations[place.location].blocks.count > 1
        else { return }
        guard blockServices.services[service] != nil || Mutation.unknownDomainsAreTrusted.isPlanted else {
            throw .refused(.couldNotPickBlockServices)
        }
    }
}
