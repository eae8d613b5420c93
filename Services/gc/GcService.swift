import Daemon
import EventLoop
import Logging
import MaintenanceState

/// A running garbage collector.
enum GcService {
    /// Starts the duties once the cluster answers.
    /// - Parameter makeDuties: called here, on the daemon's loop.
    static func start(
        _ daemon: Daemon, _ context: GcContext, _ makeDuties: (GcContext) throws -> [any EndlessDuty]
    ) throws {
        let duties = try makeDuties(context)
        let (loop, logger, state) = (daemon.loop, context.logger, context.state)
        let ready = OnLoop(loop) { daemon.ready() }
        let work = loop.task {
            guard await started(context) else { return }
            ready.call()
            await withTaskGroup(of: Void.self) { group in
                for duty in duties { group.addTask { await duty.run() } }
            }
        }
        daemon.onShutdown { done in
            let finished = OnLoop(loop, done)
            work.cancel()
            loop.task {
                for duty in duties { await duty.close() }
                await context.close()
                await work.value
                do throws(MaintenanceStateError) {
                    try state.close()
                } catch {
                    logger.warning("\(error)")
                }
                finished.call()
            }
        }
    }

    /// Waits until the registry knows all shards.
    private static func started(_ context: GcContext) async -> Bool {
        while !Task.isCancelled {
            do {
                try await context.client.start()
                return true
            } catch {
                context.logger.warning("waiting for the cluster: \(error)")
                await context.client.loop.sleep(nanoseconds: 2_000_000_000)
            }
        }
        return false
    }
}

/// Something of the loop that a task on the loop calls back.
///
/// `@unchecked Sendable`: made on the loop, and only called by tasks that run there, which `call` asserts.
private struct OnLoop: @unchecked Sendable {
    private let loop: EventLoop
    private let body: () -> Void

    init(_ loop: EventLoop, _ body: @escaping () -> Void) {
        self.loop = loop
        self.body = body
    }

    func call() {
        assert(loop.isOnLoop)
        body()
    }
}
