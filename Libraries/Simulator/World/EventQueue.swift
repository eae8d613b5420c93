import HeapModule

/// What will happen, by time; what is due at the same time happens in the order in which it was scheduled.
struct EventQueue {
    private struct Event: Comparable {
        let time: UInt64
        let order: UInt64
        let body: () -> Void

        static func < (left: Event, right: Event) -> Bool { (left.time, left.order) < (right.time, right.order) }
        static func == (left: Event, right: Event) -> Bool { left.order == right.order }
    }

    private var events = Heap<Event>()
    private var order: UInt64 = 0

    /// When the next event is due; nil when there is none.
    var nextTime: UInt64? { events.min?.time }

    mutating func add(at time: UInt64, _ body: @escaping () -> Void) {
        order += 1
        events.insert(Event(time: time, order: order, body: body))
    }

    /// Takes the next event out.
    mutating func take() -> (() -> Void)? { events.popMin()?.body }
}
