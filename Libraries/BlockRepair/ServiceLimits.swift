import Protocol
import Synchronization

/// What all repairs together remember of block services: how much is under way at each, and who could not be reached
/// lately. Thread-safe.
final class ServiceLimits: Sendable {
    private let operationsPerService: Int
    private let avoidNanoseconds: UInt64
    private let allowances = Mutex<[BlockServiceID: Allowance]>([:])
    private let avoidedUntil = Mutex<[BlockServiceID: UInt64]>([:])

    init(operationsPerService: Int, avoidNanoseconds: UInt64) {
        self.operationsPerService = max(1, operationsPerService)
        self.avoidNanoseconds = avoidNanoseconds
    }

    /// Runs `body` when there is room for another operation at the service.
    func run<T: Sendable>(at service: BlockServiceID, _ body: () async -> T) async -> T {
        let allowance = allowances.withLock { allowances in
            if let known = allowances[service] { return known }
            let made = Allowance(operationsPerService)
            allowances[service] = made
            return made
        }
        await allowance.take(1)
        defer { allowance.give(1) }
        return await body()
    }

    /// The service could not be reached.
    func avoid(_ service: BlockServiceID, now: UInt64) {
        avoidedUntil.withLock { $0[service] = now &+ avoidNanoseconds }
    }

    func isAvoided(_ service: BlockServiceID, now: UInt64) -> Bool {
        avoidedUntil.withLock { avoided in
            guard let end = avoided[service] else { return false }
            if end > now { return true }
            avoided[service] = nil
            return false
        }
    }
}
