import EventLoop

/// Many deadlines on one timer of a loop. Confined to it.
package final class DeadlineTimer<Key> {
    /// Called for each key that is due, with the present monotonic time; also for keys whose matter is settled.
    package var onDue: ((Key, UInt64) -> Void)?

    private let loop: any Loop
    private var queue = DeadlineQueue<Key>()
    private var timer: (any TimerHandle)?
    private var timerDue = UInt64.max

    package init(loop: any Loop) {
        self.loop = loop
    }

    /// - Parameter due: monotonic time.
    package func schedule(_ key: Key, dueNanoseconds due: UInt64) {
        queue.insert(key, due: due)
        if due < timerDue { arm() }
    }

    /// Forgets all deadlines.
    package func cancel() {
        queue = DeadlineQueue()
        timer?.cancel()
        timer = nil
        timerDue = .max
    }

    private func arm() {
        timer?.cancel()
        timer = nil
        timerDue = .max
        guard let earliest = queue.earliest else { return }
        timerDue = earliest
        let now = loop.monotonicNanoseconds
        timer = loop.timer(afterNanoseconds: earliest > now ? earliest - now : 0) { [weak self] in self?.fired() }
    }

    private func fired() {
        timer = nil
        timerDue = .max
        let now = loop.monotonicNanoseconds
        while let key = queue.popDue(now) { onDue?(key, now) }
        arm()
    }
}
