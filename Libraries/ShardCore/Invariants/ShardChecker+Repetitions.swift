import Protocol

extension ShardChecker {
    /// M: what is remembered of requests. Memory: 40 bytes for each request without a number (there are at most
    /// 65,536), and one number for each of the coordinator's that is not settled.
    func checkRepetitions() throws(ShardStateError) {
        var numbers = try cursor(.executed, StoredRepetition.init)
        while let found = numbers.current {
            expect(
                found.number > progress.closedSequence, .m, at: "shard \(shard), request \(found.number)",
                "is settled but still remembered")
            try numbers.advance()
        }
        try checkRecentRequests()
    }

    private func checkRecentRequests() throws(ShardStateError) {
        var places = try cursor(.recentOrder, StoredPlace.init)
        var expected = progress.firstRecent
        var isOrdered = true
        var listed: Set<[UInt8]> = []
        while let place = places.current {
            isOrdered = isOrdered && place.number == expected
            expected &+= 1
            listed.insert(keys.recent(place.request.key))
            try places.advance()
        }
        isOrdered = isOrdered && expected == max(progress.firstRecent, progress.nextRecent)
        expect(isOrdered, .m, at: "shard \(shard)", "the remembered requests are not those of its progress")
        var recent = try cursor(.recent, StoredReplyKey.init)
        var count = 0
        var areListed = true
        while let found = recent.current {
            count += 1
            areListed = areListed && listed.contains(found.key)
            try recent.advance()
        }
        expect(
            areListed && count == listed.count, .m, at: "shard \(shard)",
            "\(count) answers are remembered, their order lists \(listed.count)")
    }
}

/// The answer to a numbered request.
private struct StoredRepetition {
    var number: UInt64

    init?(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard key.count == 10, (try? RememberedReply(decoding: value))?.reply != nil else { return nil }
        number = key.bigEndian(at: 2)
    }
}

/// The answer to a request without a number.
private struct StoredReplyKey {
    var key: [UInt8]

    init?(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard (try? RememberedReply(decoding: value))?.reply != nil else { return nil }
        self.key = [UInt8](key)
    }
}

/// Where such a request stands in their order.
private struct StoredPlace {
    var number: UInt64
    var request: RecentRequest

    init?(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard key.count == 10, let record = try? RecentRequest(decoding: value) else { return nil }
        number = key.bigEndian(at: 2)
        request = record
    }
}
