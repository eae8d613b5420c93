import BlockStore
import Protocol

// What each request leads to.
extension BlockConnection {
    func handle(_ request: AnyBlocksRequest, for service: BlockServiceID) {
        let disk = server.disk(service)
        disk?.health.countRequest()
        switch request {
        case .writeBlock(let request): write(request, to: disk)
        case .testWrite(let request): test(request, on: disk)
        case .eraseBlock(let request): erase(request, on: disk)
        case .checkBlock(let request): check(request, on: disk)
        case .fetchBlock(let request): fetch(request, from: disk)
        case .fetchBlockWithCrc(let request): fetch(request, from: disk)
        case .fetchPageSums(let request): fetch(request, from: disk)
        }
    }

    private func write(_ request: WriteBlockRequest, to disk: ServedDisk?) {
        let size = Int(request.size)
        guard let disk else { return refuseWrite(.blockServiceNotFound, size: size) }
        if let error = server.rules.refusal(of: request, on: disk, at: server.loop.wallClock()) {
            return refuseWrite(error, size: size)
        }
        let proof = disk.mac.writeProof(blockService: disk.id, block: request.blockId)
        server.blocksWritten.add()
        server.bytesWritten.add(UInt64(request.size))
        let job = WriteJob(
            disk, request.blockId, size: size, checksum: request.crc, head: takeInput(atMost: size),
            answer: Answers.success(to: request, WriteBlockResponse(proof: proof)))
        changing(request.blockId, on: disk)
        start(job, as: .write, on: disk)
    }

    /// What was kept open of the block is out of date when the request begins, and again when it has ended.
    private func changing(_ block: BlockID, on disk: ServedDisk) {
        disk.recent.forget(block)
        whenJobEnds = { _ in disk.recent.forget(block) }
    }

    private func test(_ request: TestWriteRequest, on disk: ServedDisk?) {
        let size = Int(clamping: request.size)
        guard let disk else { return refuseWrite(.blockServiceNotFound, size: size) }
        if let error = server.rules.refusal(of: request) { return refuseWrite(error, size: size) }
        guard !disk.isOnTrial else { return refuseWrite(RequestRules.overload, size: size) }
        disk.isOnTrial = true
        whenJobEnds = { _ in disk.isOnTrial = false }
        let job = WriteJob(
            disk, BlockID(rawValue: 0), size: size, checksum: nil, head: takeInput(atMost: size),
            answer: Answers.success(to: request, TestWriteResponse()))
        start(job, as: .write, on: disk)
    }

    /// Answers after the data was dropped, unless there is too much of it.
    private func refuseWrite(_ error: ProtocolError, size: Int) {
        guard size <= Int(RequestRules.largestBlock) else {
            server.refusals.add()
            return send(Answers.failure(error), closes: true)
        }
        refuse(error, unread: size)
    }

    private func erase(_ request: EraseBlockRequest, on disk: ServedDisk?) {
        guard let disk else { return refuse(.blockServiceNotFound) }
        if let error = server.rules.refusal(of: request, on: disk, at: server.loop.wallClock()) { return refuse(error) }
        let proof = disk.mac.eraseProof(blockService: disk.id, block: request.blockId)
        let block = request.blockId
        server.blocksErased.add()
        let answer = Answers.success(to: request, EraseBlockResponse(proof: proof))
        let job = EraseJob(disk, block, answer: answer)
        changing(block, on: disk)
        start(job, as: .erase, on: disk)
    }

    private func check(_ request: CheckBlockRequest, on disk: ServedDisk?) {
        guard let disk else { return refuse(.blockServiceNotFound) }
        server.blocksChecked.add()
        let answer = Answers.success(to: request, CheckBlockResponse())
        let job = DiskOperationJob(disk, request.blockId, name: "check", answer: answer) {
            disk throws(BlockStoreError) in
            try disk.check(request.blockId, size: request.size, expecting: request.crc)
        }
        start(job, as: .check, on: disk)
    }

    private func fetch(_ request: FetchBlockWithCrcRequest, from disk: ServedDisk?) {
        guard let disk else { return refuse(.blockServiceNotFound) }
        countFetch(request.count)
        if answerFromMemory(request, disk) { return }
        let header = Answers.success(to: request, FetchBlockWithCrcResponse())
        let job = FetchWithChecksumsJob(
            disk, request.blockId, offset: request.offset, count: request.count, header: header,
            known: disk.recent[request.blockId])
        let generation = disk.recent.generation
        whenJobEnds = { job in
            guard let fetch = job as? FetchWithChecksumsJob, let file = fetch.file else { return }
            if fetch.isStale { return disk.recent.drop(request.blockId) }
            disk.recent.keep(file, of: request.blockId, since: generation)
        }
        start(job, as: .fetch, on: disk)
    }

    /// Answers a small fetch at once if the block is open and its pages are in memory.
    private func answerFromMemory(_ request: FetchBlockWithCrcRequest, _ disk: ServedDisk) -> Bool {
        guard request.count <= ResidentAnswer.largestCount, let file = disk.recent[request.blockId],
            let range = try? file.storedRange(offset: request.offset, count: request.count),
            let answer = server.residentAnswer.read(range, of: file)
        else { return false }
        send(answer)
        return true
    }

    private func fetch(_ request: FetchBlockRequest, from disk: ServedDisk?) {
        guard let disk else { return refuse(.blockServiceNotFound) }
        countFetch(request.count)
        let header = Answers.success(to: request, FetchBlockResponse())
        let job = FetchDataJob(disk, request.blockId, offset: request.offset, count: request.count, header: header)
        start(job, as: .fetch, on: disk)
    }

    private func fetch(_ request: FetchPageSumsRequest, from disk: ServedDisk?) {
        guard let disk else { return refuse(.blockServiceNotFound) }
        let header = Answers.success(to: request, FetchPageSumsResponse())
        start(PageSumsJob(disk, request.blockId, size: request.size, header: header), as: .fetch, on: disk)
    }

    private func countFetch(_ count: UInt32) {
        server.blocksRead.add()
        server.bytesRead.add(UInt64(count))
    }
}
