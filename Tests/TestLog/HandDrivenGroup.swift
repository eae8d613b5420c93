import Consensus
import Metrics
import Peers
import Protocol
import Replicas
import ReplicatedLog
import Store

/// Three replicas of one group in one process: real replicas on real lanes, with logs and states in memory and real
/// exchanges between them. Time passes when the test says so, and the network carries everything at once, except to and
/// from those that are cut off.
package final class HandDrivenGroup<State: ReplicatedState> {
    /// A replica and what is around it.
    package final class Place {
        package let log: HandDrivenLog
        package let replica: Replica
        /// The state that the replica was opened with.
        package let state: State
        package let store: GroupStore
        package let exchange: PeerExchange
        fileprivate let port: HandDrivenPort
        /// Its timers stand still, as if the process had been stopped.
        package var isFrozen = false
        /// Nanoseconds by which its wall clock is ahead of the others.
        package let wallAhead = Counter()

        fileprivate init(
            _ member: Member, _ stored: StoredState, _ clock: HandDrivenClock, makeState: @escaping MakeState
        ) throws {
            log = try HandDrivenLog(
                now: { clock.now }, wall: { [wallAhead] in 1 << 60 + clock.now.nanoseconds &+ wallAhead.value },
                seed: UInt64(member.slot.rawValue) + 1)
            store = try GroupStore(over: MemoryStore(), prefix: HandDrivenGroup.prefix)
            state = try makeState(store, HandDrivenGroup.prefix)
            let home = StateHome(store) { [store] in try makeState(store, HandDrivenGroup.prefix) }
            replica = log.lane.open(HandDrivenGroup.id, member, stored, state, home: home)
            port = HandDrivenPort()
            exchange = PeerExchange(port) { clock.now }
            exchange.add(HandDrivenGroup.id, on: log.lane)
            log.lane.onFlush = { [unowned log] group in log.submit { [lane = log.lane] in lane.flushed(group) } }
        }

        /// What is in its state, except where the state machine keeps it.
        package func contents() throws -> [[UInt8]: [UInt8]] {
            var contents: [[UInt8]: [UInt8]] = [:]
            let iterator = store.iterator(from: HandDrivenGroup.prefix, upTo: nil)
            iterator.seekToFirst()
            while iterator.isValid {
                contents[iterator.key] = iterator.value
                iterator.next()
            }
            try iterator.checkStatus()
            return contents
        }
    }

    /// Opens a state machine on a store, where its keys begin so.
    package typealias MakeState = (GroupStore, _ prefix: [UInt8]) throws -> State

    package static var id: LogGroupID { LogGroupID(rawValue: 0) }
    private static var prefix: [UInt8] { [1] }

    package let places: [Place]
    private let clock = HandDrivenClock()
    private var cut: Set<Int> = []
    private var timers: [(due: UInt64, place: Int, body: () -> Void)] = []
    /// Carries what else is under way; whether there was anything.
    package var carry: () -> Bool = { false }

    package init(_ makeState: @escaping MakeState) throws {
        let members = ReplicaSlot.all.prefix(3).map {
            Member(slot: $0, incarnation: Incarnation(rawValue: UInt64($0.rawValue) + 1))
        }
        var configuration = Configuration()
        for member in members {
            configuration[member.slot] = Configuration.Seat(incarnation: member.incarnation, isVoter: true)
        }
        let base = SnapshotBase(position: .zero, configuration: configuration)
        let stored = StoredState(hardState: HardState(), base: base, entries: [])
        places = try members.map { [clock] in try Place($0, stored, clock, makeState: makeState) }
    }

    // MARK: Time

    package var nanoseconds: UInt64 { clock.now.nanoseconds }

    /// Calls back when so much time has passed for the replica, on its loop.
    package func later(_ nanoseconds: UInt64, at place: Int, _ body: @escaping () -> Void) {
        timers.append((self.nanoseconds + nanoseconds, place, body))
    }

    /// Lets time pass, and with it whatever it brings.
    package func pass(milliseconds: UInt64) {
        for _ in 0..<milliseconds / 10 {
            clock.pass(milliseconds: 10)
            fire()
            for place in places where !place.isFrozen {
                place.log.lane.tick()
                if nanoseconds % 100_000_000 == 0 { place.exchange.beat() }
            }
            settle()
        }
    }

    private func fire() {
        let due = timers.filter { $0.due <= nanoseconds && !places[$0.place].isFrozen }
        timers.removeAll { $0.due <= nanoseconds && !places[$0.place].isFrozen }
        for timer in due.sorted(by: { $0.due < $1.due }) { timer.body() }
    }

    /// Lets everybody do all that can be done at this instant.
    package func settle() {
        repeat { for place in places { place.log.settle() } } while deliver() || carry()
    }

    // MARK: The network

    /// Nothing goes to this replica any more, or comes from it.
    package func cutOff(_ place: Int) { cut.insert(place) }

    package func reconnect(_ place: Int) { cut.remove(place) }

    private func deliver() -> Bool {
        var isAnyDelivered = false
        for (number, place) in places.enumerated() {
            for (frame, slot) in place.port.take() {
                isAnyDelivered = true
                let target = Int(slot.rawValue)
                guard !cut.contains(number), !cut.contains(target) else { continue }
                guard let frame = try? frame.bytes.withUnsafeBytes({ try PeerFrame(decoding: $0) }) else {
                    preconditionFailure("a frame cannot be read")
                }
                places[target].exchange.receive(frame, from: place.replica.member)
            }
        }
        return isAnyDelivered
    }

    // MARK: Leading

    /// Lets time pass until one that is not cut off leads, with a lease: its number.
    package func awaitLeader() throws -> Int {
        for _ in 0..<500 {
            pass(milliseconds: 10)
            let leader = places.indices.first { !cut.contains($0) && places[$0].replica.mayReadNow }
            if let leader { return leader }
        }
        throw NoLeader()
    }

    /// Has the leader hand over to this one.
    package func lead(_ place: Int) throws {
        let leader = try awaitLeader()
        guard leader != place else { return }
        try places[leader].replica.handOver(to: places[place].replica.member.slot)
        settle()
        guard try awaitLeader() == place else { throw NoLeader() }
    }

    /// The leader tries in vain to hand over, and leads on without a lease.
    package func loseLease() throws {
        let leader = try awaitLeader()
        let other = (leader + 1) % places.count
        cutOff(other)
        try places[leader].replica.handOver(to: places[other].replica.member.slot)
        pass(milliseconds: 1000)
        guard places[leader].replica.serves else { throw NoLeader() }
    }

    package struct NoLeader: Error {}
}
