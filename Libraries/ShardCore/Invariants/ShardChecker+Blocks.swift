import Protocol
import Store

extension ShardChecker {
    /// S18, the range of S20, and what the index has to say about the span.
    func checkBlocks(_ found: StoredSpan, isStored: Bool, _ index: inout IndexFingerprint) {
        guard !found.span.isInline else { return }
        for location in found.span.locations {
            checkPlacement(found, location)
            for block in location.blocks {
                let isGivenOut = block.id <= progress.lastBlock && blockNumbers?.contains(block.id) ?? true
                expect(
                    block.id.shard == shard && isGivenOut, .s20, at: found.place,
                    "block \(block.id) was never given out by this shard")
                fact(
                    .block(
                        BlockUse(
                            block: block.id, service: block.service, file: found.file, byteOffset: found.byteOffset,
                            size: location.blockSize, crc: block.crc, isStored: isStored)))
            }
        }
        for record in Self.indexRecords(of: found) { index.insert(record) }
    }

    private func checkPlacement(_ found: StoredSpan, _ location: SpanLocation) {
        let services = location.blocks.map(\.service)
        let isSpread = Set(services).count == services.count
        expect(
            isSpread, .s18, at: found.place, "uses a block service twice")
        guard isSpread else { return }
        let domains = services.compactMap(failureDomain)
        expect(
            Set(domains).count == domains.count, .s18, at: found.place,
            "uses a failure domain twice")
    }

    /// One record for each block service that has a block of the span.
    private static func indexRecords(of found: StoredSpan) -> [StoredIndexRecord] {
        var services: [BlockServiceID] = []
        for block in found.span.allBlocks where !services.contains(block.service) { services.append(block.service) }
        return services.map { StoredIndexRecord(service: $0, file: found.file, byteOffset: found.byteOffset) }
    }

    /// S19. Only when the sums differ is each record looked up.
    func checkIndex(against expected: IndexFingerprint) throws(ShardStateError) {
        var actual = IndexFingerprint()
        var records = try cursor(.blockServiceFiles, StoredIndexRecord.init)
        while let record = records.current {
            actual.insert(record)
            try records.advance()
        }
        guard actual != expected else { return }
        try reportMissingIndexRecords()
        try reportStrayIndexRecords()
    }

    private func reportMissingIndexRecords() throws(ShardStateError) {
        var spans = try cursor(.spans, StoredExtent.init, reportsUnreadable: false)
        while let extent = spans.current {
            for record in extent.ownSpan.map(Self.indexRecords) ?? [] {
                let key = keys.blockServiceFile(record.service, record.file, record.byteOffset)
                let isThere = try value(of: key) != nil
                expect(
                    isThere, .s19, at: "file \(record.file), span at \(record.byteOffset)",
                    "is not listed among the files of block service \(record.service)")
            }
            try spans.advance()
        }
    }

    private func reportStrayIndexRecords() throws(ShardStateError) {
        var records = try cursor(.blockServiceFiles, StoredIndexRecord.init, reportsUnreadable: false)
        while let record = records.current {
            let bytes = try value(of: keys.span(record.file, record.byteOffset))
            let extent = bytes.flatMap { try? Extent(decoding: $0) }
            expect(
                extent?.ownSpan?.allBlocks.contains { $0.service == record.service } ?? false, .s19,
                at: "file \(record.file), span at \(record.byteOffset)",
                "is listed among the files of block service \(record.service), which has nothing of it")
            try records.advance()
        }
    }

    func value(of key: [UInt8]) throws(ShardStateError) -> [UInt8]? {
        do throws(StoreError) {
            return try store.get(key)
        } catch {
            throw .store(error)
        }
    }
}
