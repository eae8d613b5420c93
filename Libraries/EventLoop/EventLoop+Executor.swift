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

    /// Starts a task whose every step runs on this loop (a plain `Task {}` would leave it). Thread-safe.
    @discardableResult
    public func task<Success: Sendable>(
        _ body: @escaping @Sendable () async -> Success
    ) -> Task<Success, Never> {
        Task(executorPreference: self) { await body() }
    }
}

extension EventLoop {
    /// Starts a task on this loop and calls `then` with its outcome: the way from callbacks into async code and back.
    /// Call it on the loop, on which `then` runs as well.
    public func task<Success: Sendable>(
        _ body: @escaping @Sendable () async throws -> Success,
        then: @escaping (Result<Success, any Error>) -> Void
    ) {
        assertOnLoop()
        let box = Transfer(then)
        Task(executorPreference: self) {
            let result: Result<Success, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            box.value(result)
        }
    }
}
