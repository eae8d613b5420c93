extension EventLoop: SerialExecutor, TaskExecutor {
    public func enqueue(_ job: consuming ExecutorJob) {
        add(.job(UnownedJob(job)))
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    public func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }

    /// Lets `actor.assumeIsolated { … }` work in plain callbacks of the loop.
    public func checkIsolated() {
        precondition(isOnLoop, "used outside of its event loop")
    }

    public func isIsolatingCurrentContext() -> Bool? {
        isOnLoop
    }
}
