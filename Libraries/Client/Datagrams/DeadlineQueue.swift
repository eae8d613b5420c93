/// Keys ordered by the time at which each is due: a binary heap. A key whose matter is settled is left in and ignored
/// by the owner when it comes up, which is cheaper than taking it out.
package struct DeadlineQueue<Key> {
    private var heap: [(due: UInt64, key: Key)] = []

    package init() {}

    package var isEmpty: Bool { heap.isEmpty }
    package var count: Int { heap.count }

    /// When the first key is due.
    package var earliest: UInt64? { heap.first?.due }

    package mutating func insert(_ key: Key, due: UInt64) {
        heap.append((due, key))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].due < heap[parent].due else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes out the first key if it is due at `now`.
    package mutating func popDue(_ now: UInt64) -> Key? {
        guard let first = heap.first, first.due <= now else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return first.key
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in (2 * parent + 1)...(2 * parent + 2)
            where child < heap.count && heap[child].due < heap[least].due {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
