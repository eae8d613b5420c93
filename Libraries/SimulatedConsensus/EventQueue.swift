import Consensus

/// Something that will happen to a node, or to the world.
struct Event {
    enum Kind {
        case message(Message)
        case heartbeat(Heartbeat)
        case heartbeatAnswer(Heartbeat, vouches: Bool)
        case tick
        case beat
        case synced(through: WriteNumber)
        case reported(through: WriteNumber)
        case apply
        case supply(Member, from: LogIndex, bytes: Int, term: Term)
        case chunk
        case installed
        case resume
        case restart
        case client
        case tend
        case fault
        /// Nothing gets to it or from it, for so long.
        case cutOff(UInt64)
        /// Nothing gets from it.
        case silence(UInt64)
        case end
    }

    /// True nanoseconds.
    let time: UInt64
    /// Which node; that of the world's own events is not used.
    let slot: UInt8
    /// Of which life of the node's process; 0: of any.
    let life: UInt32
    let kind: Kind
}

/// What one process tells another about the groups it leads: here it is one group.
struct Heartbeat {
    let leader: Member
    let follower: Member
    let term: Term
    let sentAt: BootInstant
    /// Of the sender's process.
    let life: UInt32
}

/// What will happen, by time: a heap of small keys, and the events beside it.
struct EventQueue {
    private struct Key {
        let time: UInt64
        let order: UInt32
        let place: UInt32
    }

    private var keys: [Key] = []
    private var events: [Event?] = []
    private var free: [UInt32] = []
    private var order: UInt32 = 0

    var nextTime: UInt64? { keys.first?.time }

    mutating func add(at time: UInt64, slot: UInt8 = 0, life: UInt32 = 0, _ kind: Event.Kind) {
        order &+= 1
        let event = Event(time: time, slot: slot, life: life, kind: kind)
        let place: UInt32
        if let freed = free.popLast() {
            place = freed
            events[Int(place)] = event
        } else {
            place = UInt32(events.count)
            events.append(event)
        }
        insert(Key(time: time, order: order, place: place))
    }

    /// Takes the next event out; nil: there is none.
    mutating func take() -> Event? {
        guard let first = keys.first, let last = keys.popLast() else { return nil }
        if !keys.isEmpty { sink(last) }
        free.append(first.place)
        let event = events[Int(first.place)]
        events[Int(first.place)] = nil
        return event
    }

    private static func isBefore(_ left: Key, _ right: Key) -> Bool {
        left.time != right.time ? left.time < right.time : left.order < right.order
    }

    private mutating func insert(_ key: Key) {
        var place = keys.count
        keys.append(key)
        while place > 0 {
            let parent = (place - 1) / 2
            guard Self.isBefore(key, keys[parent]) else { break }
            keys[place] = keys[parent]
            place = parent
        }
        keys[place] = key
    }

    /// Puts `key` in the root's place, and down to where it belongs.
    private mutating func sink(_ key: Key) {
        var place = 0
        while true {
            var child = 2 * place + 1
            guard child < keys.count else { break }
            if child + 1 < keys.count, Self.isBefore(keys[child + 1], keys[child]) { child += 1 }
            guard Self.isBefore(keys[child], key) else { break }
            keys[place] = keys[child]
            place = child
        }
        keys[place] = key
    }
}
