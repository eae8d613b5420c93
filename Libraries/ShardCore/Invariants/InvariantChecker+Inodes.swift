import Protocol

extension InvariantChecker {
    /// S1, S2, S21
    func checkInodes() {
        for id in stored.directories.keys {
            expect(id.isDirectory && core.isMine(id), .s1, "directory \(id)")
        }
        for id in stored.files.keys {
            expect(id.isFile && core.isMine(id), .s1, "file \(id)")
            expect(stored.transientFiles[id] == nil, .s2, "\(id) is linked and transient")
        }
        for id in stored.transientFiles.keys {
            expect(id.isFile && core.isMine(id), .s1, "transient file \(id)")
        }
        for id in stored.spans.keys {
            expect(id.isFile && core.isMine(id), .s1, "spans of \(id)")
        }
        let progress = core.state.progress
        for id in Array(stored.files.keys) + Array(stored.transientFiles.keys) {
            let last = id.type == .symlink ? progress.lastSymlink : progress.lastFile
            expect(id <= last, .s21, "\(id) was never given out, the last was \(last)")
        }
    }

    /// S22
    func checkProgress() {
        let progress = core.state.progress
        expect(
            stored.progress ?? ShardProgress(shard: core.shard) == progress, .s22,
            "the stored progress is not that of the core")
    }

    /// C: what is remembered of requests.
    func checkRepetitions() {
        let state = core.state
        expect(stored.executed == Array(state.executed.all), .c, "numbers of the coordinator in memory and stored")
        expect(
            stored.executed.allSatisfy { $0 > state.progress.closedSequence }, .c,
            "closed numbers of the coordinator are remembered")
        let places = stored.recentOrder.map(\.number)
        let expected = state.progress.firstRecent..<max(state.progress.firstRecent, state.progress.nextRecent)
        expect(places == Array(expected), .c, "places of requests without a number")
        expect(
            Set(stored.recentOrder.map { state.keys.recent($0.request.key) }) == stored.recent
                && places.count == stored.recent.count, .c, "requests without a number differ from their order")
    }

    /// C: the cache says what the store says.
    func checkCache() {
        core.state.cache.forEachDirectory { id, record in
            expect(stored.directories[id] == record, .c, "cached directory \(id)")
        }
        core.state.cache.forEachInode { id, state in
            let truth: InodeState =
                stored.files[id].map(InodeState.linked) ?? stored.transientFiles[id].map(InodeState.transient)
                ?? .absent
            expect(state == truth, .c, "cached file \(id)")
        }
        var current: [EdgePlace: [[UInt8]: CurrentEdgeRecord]] = [:]
        for edge in stored.edges where edge.key.isCurrent {
            let place = EdgePlace(directory: edge.key.directory, hash: edge.key.nameHash)
            current[place, default: [:]][edge.key.name] = CurrentEdgeRecord(
                target: edge.target.id, isLocked: edge.target.flag, creationTime: edge.creationTime)
        }
        core.state.cache.forEachEdge { place, cached in
            expect(current[place]?[cached.name] == cached.edge, .c, "cached edge in \(place.directory)")
        }
    }
}
