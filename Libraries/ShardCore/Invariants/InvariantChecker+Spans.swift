import Protocol

extension InvariantChecker {
    /// S13–S17
    func checkSpans() {
        for (id, file) in stored.files { checkTiling(id, size: file.size) }
        for (id, file) in stored.transientFiles {
            checkTiling(id, size: file.size)
            guard file.lastSpanState != .clean else { continue }
            let last = stored.spans[id]?.last?.span
            let isFine = last.map { !$0.isInline && (file.lastSpanState == .condemned || $0.locations.count == 1) }
            expect(isFine ?? false, .s16, "\(id) is \(file.lastSpanState) without a block span at its end")
        }
        for (id, spans) in stored.spans {
            expect(stored.files[id] != nil || stored.transientFiles[id] != nil, .s14, "spans of missing file \(id)")
            for (byteOffset, span) in spans { checkShape(id, byteOffset, span) }
        }
    }

    private func checkTiling(_ id: InodeID, size: UInt64) {
        var end: UInt64 = 0
        for (byteOffset, span) in stored.spans[id] ?? [] {
            expect(byteOffset == end, .s13, "span of \(id) at \(byteOffset), expected at \(end)")
            expect(span.size > 0, .s13, "empty span of \(id) at \(byteOffset)")
            end = byteOffset &+ UInt64(span.size)
        }
        expect(end == size, .s13, "spans of \(id) end at \(end), the file at \(size)")
    }

    private func checkShape(_ id: InodeID, _ byteOffset: UInt64, _ span: SpanRecord) {
        let name = "span of \(id) at \(byteOffset)"
        expect(byteOffset % 4096 == 0, .s17, name)
        guard !span.isInline else { return }
        expect(span.size <= SpanLimits.maximumSpanSize, .s17, name)
        expect(Set(span.locations.map(\.location)).count == span.locations.count, .s17, name)
        for location in span.locations {
            expect(SpanLimits.stripes.contains(location.stripes) && location.parity.isValid, .s17, name)
            expect(location.cellSize > 0 && location.cellSize % SpanLimits.pageSize == 0, .s17, name)
            expect(location.storageClass == .hdd || location.storageClass == .flash, .s17, name)
        }
    }

    /// S18–S20
    func checkBlocks() {
        var references: Set<[UInt8]> = []
        var blocks: Set<BlockID> = []
        for (id, spans) in stored.spans {
            for (byteOffset, span) in spans {
                for location in span.locations { checkPlacement(id, location) }
                for block in span.allBlocks {
                    references.insert(core.state.keys.blockServiceFile(block.service, id, byteOffset))
                    expect(blocks.insert(block.id).inserted, .s20, "block \(block.id) is used twice")
                    expect(
                        block.id.shard == core.shard && block.id <= core.state.progress.lastBlock, .s20,
                        "block \(block.id) was never given out")
                }
            }
        }
        expect(
            references == stored.blockServiceFiles, .s19,
            "\(references.symmetricDifference(stored.blockServiceFiles).count) block service records differ"
        )
    }

    private func checkPlacement(_ id: InodeID, _ location: SpanLocation) {
        let services = location.blocks.map(\.service)
        expect(Set(services).count == services.count, .s18, "a span of \(id) uses a block service twice")
        let domains = services.compactMap { core.blockServices.services[$0]?.failureDomain }
        expect(Set(domains).count == domains.count, .s18, "a span of \(id) uses a failure domain twice")
    }
}
