import Client
import Protocol
import Testing

@Suite struct PlacementTests {
    private func failure(_ index: Int) -> Placement.Failure {
        Placement.Failure(
            service: FakeBlockServices.id(index), domain: FakeBlockServices.domain(index),
            error: ClientError(.blockTransfer, "test"))
    }

    @Test func whatFailedIsAvoidedWithItsDomain() {
        var placement = Placement(start: 0, limit: 1_000_000_000)
        let remembered = [BlacklistEntry(failureDomain: .none, blockService: FakeBlockServices.id(9))]
        #expect(placement.blacklist(remembered: remembered) == remembered)
        placement.failed([failure(1), failure(2)])
        #expect(placement.retry(now: 1) == 0)
        let list = placement.blacklist(remembered: remembered)
        #expect(list.map(\.blockService) == [2, 1, 9].map(FakeBlockServices.id))
        #expect(list.first?.failureDomain == FakeBlockServices.domain(2))
    }

    @Test func theListNeverExceedsEight() {
        var placement = Placement(start: 0, limit: 1_000_000_000)
        placement.failed((0..<20).map(failure))
        #expect(placement.blacklist(remembered: []).count == 8)
    }

    @Test func aSmallClusterAvoidsLessAndLess() {
        var placement = Placement(start: 0, limit: 1_000_000_000)
        placement.failed([failure(1)])
        #expect(placement.refused(now: 1) == 0)
        #expect(placement.blacklist(remembered: []).first?.failureDomain == FailureDomain.none)
        #expect(placement.refused(now: 2) == 0)
        #expect(placement.blacklist(remembered: []).isEmpty)
        // From here on it waits, longer each time, and starts over.
        let first = placement.refused(now: 3)
        #expect((first ?? 0) > 0)
        #expect(!placement.blacklist(remembered: []).isEmpty)
    }

    @Test func itEnds() {
        var placement = Placement(start: 0, limit: 1_000_000_000)
        var now: UInt64 = 0
        var steps = 0
        while let pause = placement.refused(now: now) {
            now += pause + 1_000_000
            steps += 1
            guard steps < 1000 else { break }
        }
        #expect(now >= 1_000_000_000 && steps < 1000)
        #expect(placement.error.cause == .cannotPlaceSpan(last: nil))
    }

    @Test func servicesAreAvoidedForAWhile() {
        let health = ServiceHealth(avoidNanoseconds: 30_000_000_000)
        let id = FakeBlockServices.id(1)
        health.writeFailed(id, domain: FakeBlockServices.domain(1), now: 5)
        #expect(health.avoidedForWriting(now: 10).map(\.blockService) == [id])
        #expect(health.avoidedForWriting(now: 61_000_000_000).isEmpty)
    }

    @Test func servicesThatFailAreProbedEverMoreRarely() {
        let health = ServiceHealth(avoidNanoseconds: 30_000_000_000)
        let id = FakeBlockServices.id(1)
        #expect(health.attempt(id, now: 5) == .usual)
        // Many requests that fail at the same time count once.
        for _ in 0..<20 { health.readDisappointed(id, now: 10) }
        #expect(health.attempt(id, now: 11) == .avoid && health.isDoubtful(id))
        var now: UInt64 = 2_000_000_000
        var probes = 0
        while now < 600_000_000_000 {
            if health.attempt(id, now: now) == .probe {
                probes += 1
                #expect(health.attempt(id, now: now + 1) == .avoid)
                // The probe was under way for a while.
                health.readDisappointed(id, now: now + 20_000_000_000)
            }
            now += 100_000_000
        }
        #expect((15...30).contains(probes))
        health.readSucceeded(id, bytes: 4096, latencyNanoseconds: 1_000_000, now: now)
        #expect(health.attempt(id, now: now) == .usual && !health.isDoubtful(id))
        health.readSucceeded(id, bytes: 4096, latencyNanoseconds: 100_000_000, now: now)
        #expect(health.attempt(id, now: now) == .avoid)
    }

    @Test func hedgesFollowTheUsualLatencyAndNotThatOfOneSlowDisk() {
        let health = ServiceHealth(avoidNanoseconds: 1)
        #expect(health.hedgeNanoseconds(forBytes: 4096) == 20_000_000)
        for round in 0..<600 {
            let latency: UInt64 = round % 6 == 0 ? 5_000_000_000 : 50_000_000
            health.readSucceeded(FakeBlockServices.id(round % 6), bytes: 4096, latencyNanoseconds: latency, now: 0)
        }
        #expect((150_000_000...200_000_000).contains(health.hedgeNanoseconds(forBytes: 4096)))
    }

    @Test func wholeBlocksAreComparedWithWholeBlocks() {
        let health = ServiceHealth(avoidNanoseconds: 1_000_000_000)
        for round in 0..<600 {
            let id = FakeBlockServices.id(round % 6)
            health.readSucceeded(id, bytes: 65536, latencyNanoseconds: 1_000_000, now: 0)
            health.readSucceeded(id, bytes: 4 << 20, latencyNanoseconds: 70_000_000, now: 0)
            #expect(!health.isDoubtful(id))
        }
        #expect(health.hedgeNanoseconds(forBytes: 65536) == 20_000_000)
        #expect((210_000_000...280_000_000).contains(health.hedgeNanoseconds(forBytes: 4 << 20)))
    }
}
