import EventLoop

/// The loop of a simulated program: virtual time, a wall clock that may be wrong, chance from the seed.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class VirtualLoop: Loop, @unchecked Sendable {
    let world: World
    /// How far the wall clock is off, nanoseconds.
    var clockOffset: Int64 = 0
    /// Connects to an address; nil: nobody listens there.
    var connecting: ((SocketAddress) -> (any StreamConnection)?)?

    /// What a connection takes to be made, or to fail.
    private static let handshake: ClosedRange<UInt64> = 100_000...800_000

    init(_ world: World) { self.world = world }

    var monotonicNanoseconds: UInt64 { world.now }
    var bootNanoseconds: UInt64 { world.now }
    func wallClock() -> UInt64 { UInt64(max(Int64(World.epoch &+ world.now) &+ clockOffset, 1)) }
    func randomNumber() -> UInt64 { world.random.next() }

    func submit(_ body: @escaping @Sendable () -> Void) { world.executor.enqueue(body) }

    func timer(
        afterNanoseconds: UInt64, repeatingNanoseconds: UInt64, _ body: @escaping () -> Void
    ) -> VirtualTimer {
        let timer = VirtualTimer(body, every: repeatingNanoseconds)
        timer.start(after: afterNanoseconds, in: world)
        return timer
    }

    /// Nothing takes long here.
    func work<T>(_ body: @escaping @Sendable () throws -> T, then: @escaping (Result<T, any Error>) -> Void) {
        let result = Result { try body() }
        world.after(0) { then(result) }
    }

    func connect(
        to address: SocketAddress, _ completion: @escaping (Result<any StreamConnection, SystemError>) -> Void
    ) {
        world.after(UInt64.random(in: Self.handshake, using: &world.random)) { [self] in
            guard let made = connecting?(address) else {
                return completion(.failure(SystemError("connect to \(address)", code: 111)))
            }
            completion(.success(made))
        }
    }

    // MARK: Executors

    func enqueue(_ job: consuming ExecutorJob) { world.executor.enqueue(job, on: self) }
    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
    /// There is only one thread.
    func checkIsolated() {}
    func isIsolatingCurrentContext() -> Bool? { true }
}

/// A timer in virtual time.
final class VirtualTimer: TimerHandle {
    private var body: (() -> Void)?
    private let period: UInt64

    fileprivate init(_ body: @escaping () -> Void, every period: UInt64) {
        self.body = body
        self.period = period
    }

    func cancel() { body = nil }

    fileprivate func start(after delay: UInt64, in world: World) {
        world.after(delay) { [self, unowned world] in
            guard let body else { return }
            if period == 0 { cancel() } else { start(after: period, in: world) }
            body()
        }
    }
}
