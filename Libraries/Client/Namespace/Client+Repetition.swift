import Mutations
import Protocol

/// A name as it was before a request took it away.
struct OldEdge: Sendable {
    let directory: InodeID
    let name: [UInt8]
    let target: InodeID
    let creationTime: Timestamp
    /// Whether the request leaves the target in the hands of the name's history: removing a file does, renaming and
    /// removing a directory do not (metadata.md A.4).
    let staysOwned: Bool
}

extension Client {
    /// Whether an error hides that an earlier copy of the same request was carried out: it was repeated, the name is
    /// gone, and the newest two entries of the name's history are what the request leaves behind (services.md C.3).
    func wasDoneBefore(_ error: ClientError, attempts: Int, _ old: OldEdge) async throws(ClientError) -> Bool {
        guard attempts > 1, error.isRefusal(.edgeNotFound), !Mutation.repetitionsAreForgotten.isPlanted
        else { return false }
        let history = try await call(
            FullReadDirRequest(
                dirId: old.directory, flags: [.backwards, .current, .sameName], startName: old.name,
                startTime: Timestamp(nanoseconds: 0), limit: 2, mtu: options.datagramBytes),
            shard: old.directory.shard
        ).results
        guard history.count == 2, !history[0].current, history[0].targetId.id.isNull else { return false }
        return !history[1].current && history[1].creationTime == old.creationTime
            && history[1].targetId == InodeIDExtra(id: old.target, flag: old.staysOwned)
    }

    /// Carries out a step that first looks a name up. When somebody changed the name in between, it is done anew, once.
    func racing<T>(_ step: () async throws(ClientError) -> T) async throws(ClientError) -> T {
        do {
            return try await patiently(step)
        } catch {
            switch error.code {
            case .edgeNotFound?, .mismatchingTarget?, .mismatchingCreationTime?, .mismatchingOwner?:
                return try await patiently(step)
            default: throw error
            }
        }
    }

    /// Repeats a step that meets a lock of somebody's transaction or a clock that is behind.
    /// - Parameter nanoseconds: for so long; 0: for ever; nil: as long as for the coordinator, whose locks they are.
    func patiently<T>(
        for nanoseconds: UInt64? = nil, _ step: () async throws(ClientError) -> T
    ) async throws(ClientError) -> T {
        let limit = nanoseconds ?? options.cdcTiming.overallNanoseconds
        let start = loop.monotonicNanoseconds
        var pause: UInt64 = 2_000_000
        while true {
            do {
                return try await step()
            } catch {
                let elapsed = loop.monotonicNanoseconds &- start
                guard error.mayPassSoon, limit == 0 || elapsed < limit else { throw error }
                await loop.sleep(nanoseconds: pause + UInt64(loop.randomFraction() * Double(pause)))
                pause = min(pause * 2, 250_000_000)
            }
        }
    }
}

extension ClientError {
    /// Refusals that come from another request under way.
    var mayPassSoon: Bool {
        guard let code else { return false }
        return code == .nameIsLocked || code == .edgeIsLocked || code.isTooEarly
    }
}
