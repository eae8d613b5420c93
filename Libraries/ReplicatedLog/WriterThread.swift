/// Who calls a log's writer: a thread of its own, or virtual time.
public protocol WriterThread: AnyObject, Sendable {
    /// Begins to call `piece` again and again, each time after the rest that it asked for, until that is one for good.
    /// Called once. One call of `piece` never overlaps another.
    ///
    /// - Throws: when there is no thread to be had; then `piece` is never called.
    func start(_ piece: @escaping @Sendable () -> WriterRest) throws(LogError)

    /// Ends the writer's rest, or the next one. From any thread.
    func wake()

    /// Returns when the writer rests for good; at once when somebody has waited for that already.
    func join()
}

/// How long a writer rests after a piece of its work.
public enum WriterRest: Equatable, Sendable {
    /// There is more to do.
    case notAtAll
    /// Until it is woken.
    case untilWoken
    /// The same, but no longer than this.
    case atMost(nanoseconds: UInt64)
    /// It has ended.
    case forGood
}
