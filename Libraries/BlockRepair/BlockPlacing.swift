import Client
import Protocol

/// Brings one block to a new place and lets it change places with the old one (services.md D.6, steps 6 to 8).
struct BlockPlacing<Cluster: RepairCluster>: Sendable {
    private static var attemptLimit: Int { 6 }

    let context: RepairContext<Cluster>
    let order: RepairOrder
    let copy: SpanCopy
    let index: Int

    private enum Ending {
        case placed(BlockSource)
        /// The shard knows no place that is not on the list.
        case noPlace
        /// The block service did not take the block.
        case notWritten(TargetBlacklist.Place, ClientError)
        /// The shard knows that the place shares a domain or service with another block.
        case taken(TargetBlacklist.Place)
        case failed(ClientError)
    }

    /// - Parameter memory: the right content.
    /// - Returns: where the block is now.
    func place(_ memory: PooledBuffer) async throws(RepairError) -> BlockSource {
        var blacklist = try await blacklist()
        var lastError: ClientError?
        var attempts = 0
        // Before a place is asked for: a block service takes a certificate only for so long.
        await waitForTurn()
        while attempts < Self.attemptLimit {
            switch await attempt(memory, blacklist.entries) {
            case .placed(let source): return source
            case .failed(let error): throw failure(.request(error))
            case .noPlace:
                guard blacklist.relax() else { throw failure(lastError.map { .request($0) } ?? .noPlace) }
            case .notWritten(let place, let error):
                blacklist.failedToWrite(place)
                lastError = error
                attempts += 1
                await waitForTurn()
            case .taken(let place):
                blacklist.isTaken(place)
                attempts += 1
            }
        }
        throw failure(lastError.map { .request($0) } ?? .noPlace)
    }

    /// Until the rate of bytes allows for the block.
    private func waitForTurn() async {
        let pause = context.rate.pause(for: copy.layout.blockBytes, now: context.cluster.monotonicNanoseconds)
        if pause > 0 { await context.cluster.sleep(nanoseconds: pause) }
    }

    private func blacklist() async throws(RepairError) -> TargetBlacklist {
        let domains: [BlockServiceID: FailureDomain]
        do throws(ClientError) {
            domains = try await context.cluster.failureDomains()
        } catch {
            throw failure(.request(error))
        }
        var places = copy.blocks.map { TargetBlacklist.Place($0.service.id, domains[$0.service.id]) }
        let replaced = places.remove(at: index)
        return TargetBlacklist(others: places, replaced: replaced, mayStay: order.mayStay, extra: order.avoiding)
    }

    private func failure(_ cause: RepairError.Cause) -> RepairError {
        let source = copy.blocks[index]
        return RepairError(
            cause, file: copy.file, byteOffset: copy.byteOffset, block: source.block, service: source.service.id)
    }

    // MARK: One attempt

    private func attempt(_ memory: PooledBuffer, _ blacklist: [BlacklistEntry]) async -> Ending {
        var scratch: ScratchFile
        do throws(ClientError) {
            scratch = try await context.scratchFiles.lease(copy.file.shard)
        } catch {
            return .failed(error)
        }
        let ending = await attempt(memory, blacklist, &scratch)
        switch ending {
        case .placed, .noPlace, .taken: await context.scratchFiles.giveBack(scratch)
        // Nobody knows for sure what is in it now.
        case .notWritten, .failed: await context.scratchFiles.drop(scratch)
        }
        return ending
    }

    private func attempt(
        _ memory: PooledBuffer, _ blacklist: [BlacklistEntry], _ scratch: inout ScratchFile
    ) async -> Ending {
        let place: AddSpanInitiateBlockInfo
        do throws(ClientError) {
            place = try await initiate(scratch, blacklist)
        } catch {
            return error.isRefusal(.couldNotPickBlockServices) ? .noPlace : .failed(error)
        }
        let target = TargetBlacklist.Place(place.blockServiceId, place.blockServiceFailureDomain)
        let proof: MAC
        do throws(ClientError) {
            proof = try await write(memory, to: place).get()
        } catch {
            return .notWritten(target, error)
        }
        do throws(ClientError) {
            try await certify(BlockProof(blockId: place.blockId, proof: proof), &scratch)
            try await swap(place.blockId, scratch)
        } catch {
            let isTaken =
                error.isRefusal(.swapBlocksDuplicateBlockService) || error.isRefusal(.swapBlocksDuplicateFailureDomain)
            return isTaken ? .taken(target) : .failed(error)
        }
        let service = BlockService(addrs: place.blockServiceAddrs, id: place.blockServiceId, flags: [])
        return .placed(BlockSource(service: service, block: place.blockId, crc: copy.blocks[index].crc))
    }

    /// Asks for a place, as a span of one block at the end of the scratch file.
    private func initiate(
        _ scratch: ScratchFile, _ blacklist: [BlacklistEntry]
    ) async throws(ClientError) -> AddSpanInitiateBlockInfo {
        let bytes = UInt32(copy.layout.blockBytes)
        let crc = copy.blocks[index].crc
        let span = AddSpanInitiateRequest(
            fileId: scratch.handle.id, cookie: scratch.handle.cookie, byteOffset: scratch.byteOffset, size: bytes,
            crc: crc, storageClass: copy.layout.storageClass, blacklist: blacklist,
            parity: Parity(data: 1, parity: 0), stripes: 1, cellSize: bytes, crcs: [crc])
        // The shard prefers the services that the file is on already.
        let request = AddSpanAtLocationInitiateRequest(
            locationId: copy.location, req: AddSpanInitiateWithReferenceRequest(req: span, reference: copy.file))
        let blocks = try await context.cluster.call(request, shard: scratch.shard).resp.blocks
        guard let place = blocks.first, blocks.count == 1 else {
            throw ClientError(.malformedAnswer, "ADD_SPAN_AT_LOCATION_INITIATE", "\(blocks.count) blocks instead of 1")
        }
        return place
    }

    private func write(_ memory: PooledBuffer, to place: AddSpanInitiateBlockInfo) async -> Result<MAC, ClientError> {
        let bytes = copy.layout.blockBytes
        return await context.services.run(at: place.blockServiceId) { () async -> Result<MAC, ClientError> in
            do throws(ClientError) {
                let crc = copy.blocks[index].crc
                return .success(try await context.cluster.write(memory, bytes: bytes, crc: crc, to: place))
            } catch {
                return .failure(error)
            }
        }
    }

    private func certify(_ proof: BlockProof, _ scratch: inout ScratchFile) async throws(ClientError) {
        _ = try await context.cluster.call(
            AddSpanCertifyRequest(
                fileId: scratch.handle.id, cookie: scratch.handle.cookie, byteOffset: scratch.byteOffset,
                proofs: [proof]),
            shard: scratch.shard)
        scratch.byteOffset += UInt64(copy.layout.blockBytes)
        scratch.spans += 1
    }

    private func swap(_ new: BlockID, _ scratch: ScratchFile) async throws(ClientError) {
        _ = try await context.cluster.call(
            SwapBlocksRequest(
                fileId1: copy.file, byteOffset1: copy.byteOffset, blockId1: copy.blocks[index].block,
                fileId2: scratch.handle.id, byteOffset2: scratch.byteOffset - UInt64(copy.layout.blockBytes),
                blockId2: new),
            shard: copy.file.shard)
    }
}
