import ReplicatedLog
import Synchronization

/// A writer's thread that is the test's.
package final class HandDrivenWriter: WriterThread {
    private let piece = Mutex<(@Sendable () -> WriterRest)?>(nil)

    package init() {}

    package func start(_ piece: @escaping @Sendable () -> WriterRest) { self.piece.withLock { $0 = piece } }
    package func wake() {}
    package func join() { while run() {} }

    /// Until it rests; whether there was anything to do.
    @discardableResult
    package func run() -> Bool {
        var hasWorked = false
        while let piece = piece.withLock({ $0 }) {
            switch piece() {
            case .notAtAll: hasWorked = true
            case .untilWoken, .atMost: return hasWorked
            case .forGood: self.piece.withLock { $0 = nil }
            }
        }
        return hasWorked
    }
}
