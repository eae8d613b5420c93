/// Something that belongs to a loop, in the hands of another thread, which can only send it work.
///
/// `@unchecked Sendable`: the value is touched by nobody but what `submit` runs on its loop.
package struct LoopBound<Value>: @unchecked Sendable {
    package let loop: EventLoop
    private let value: Value

    /// From now on only the loop touches `value`.
    package init(_ value: Value, on loop: EventLoop) {
        self.loop = loop
        self.value = value
    }

    /// Runs `body` on the loop, in the order of submission.
    package func submit(_ body: @escaping @Sendable (Value) -> Void) {
        loop.submit { body(value) }
    }
}

/// A core, or whatever else start-up made, on its way to the loop it will belong to.
///
/// `@unchecked Sendable`: made by one thread, taken by one other after it; the loop's inbox orders the two.
package struct Handover<Value>: @unchecked Sendable {
    package let value: Value

    package init(_ value: Value) {
        self.value = value
    }
}
