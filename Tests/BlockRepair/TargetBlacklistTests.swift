import BlockRepair
import Protocol
import Testing

struct TargetBlacklistTests {
    private static func place(_ number: UInt64) -> TargetBlacklist.Place {
        TargetBlacklist.Place(BlockServiceID(rawValue: number), FailureDomain(name: "d\(number)"))
    }

    private func entry(_ number: UInt64, domain: Bool = true) -> BlacklistEntry {
        BlacklistEntry(
            failureDomain: domain ? FailureDomain(name: "d\(number)") : .none,
            blockService: BlockServiceID(rawValue: number))
    }

    @Test func demandsLessStepByStep() {
        var list = TargetBlacklist(
            others: [Self.place(1), Self.place(2)], replaced: Self.place(3), mayStay: true, extra: [entry(9)])
        list.failedToWrite(Self.place(4))
        #expect(Set(list.entries) == [entry(9), entry(1), entry(2), entry(3), entry(4)])
        let step1 = list.relax()
        #expect(step1)
        #expect(Set(list.entries) == [entry(9), entry(1), entry(2), entry(3, domain: false), entry(4, domain: false)])
        let step2 = list.relax()
        #expect(step2)
        #expect(Set(list.entries) == [entry(9), entry(1), entry(2), entry(4, domain: false)])
        let step3 = list.relax()
        #expect(!step3)
    }

    @Test func aServiceToBeRelievedIsNeverATarget() {
        var list = TargetBlacklist(others: [], replaced: Self.place(3), mayStay: false, extra: [])
        let step4 = list.relax()
        #expect(step4)
        let step5 = list.relax()
        #expect(!step5)
        #expect(list.entries.map(\.blockService) == [BlockServiceID(rawValue: 3)])
    }
}

struct ByteRateTests {
    @Test func spreadsBytesOverTime() {
        let rate = ByteRate(bytesPerSecond: 1_000_000)
        var now: UInt64 = 1_000_000_000_000
        let start = now
        for _ in 0..<100 { now += rate.pause(for: 100_000, now: now) }
        // Ten million bytes take ten seconds, but for the first burst and the last piece.
        #expect((9_600_000_000...10_000_000_000).contains(now - start))
    }

    @Test func zeroIsNoLimit() {
        #expect(ByteRate(bytesPerSecond: 0).pause(for: .max, now: 1) == 0)
    }
}
