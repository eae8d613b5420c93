import Client
import Protocol
import Synchronization

/// A transient file that takes new blocks in and, once they have changed places, holds the old ones until it expires
/// (services.md C.12).
struct ScratchFile: Sendable {
    let handle: TransientHandle
    let madeNanoseconds: UInt64
    var usedNanoseconds: UInt64
    /// Where the next span goes.
    var byteOffset: UInt64 = 0
    var spans = 0

    var shard: ShardID { handle.id.shard }
}

/// The scratch files of this process, by shard. Who has one has it alone. Thread-safe.
final class ScratchFiles<Cluster: RepairCluster>: Sendable {
    /// Older ones are let go, so that what they hold is freed.
    private let lifetimeNanoseconds: UInt64 = 3 * 3_600_000_000_000
    /// Well below the time after which a shard expires a file that nobody touches.
    private let idleNanoseconds: UInt64 = 1_200_000_000_000
    /// Fewer spans are destroyed sooner.
    private let spanLimit = 256

    private let cluster: Cluster
    private let idle = Mutex<[ShardID: [ScratchFile]]>([:])

    init(cluster: Cluster) {
        self.cluster = cluster
    }

    /// One that nobody else uses.
    func lease(_ shard: ShardID) async throws(ClientError) -> ScratchFile {
        while let known = idle.withLock({ $0[shard]?.popLast() }) {
            if isGood(known) { return known }
            await drop(known)
        }
        let made = try await cluster.call(
            ConstructFileRequest(type: .file, note: Array("block repair".utf8)), shard: shard)
        let now = cluster.monotonicNanoseconds
        return ScratchFile(
            handle: TransientHandle(id: made.id, cookie: made.cookie), madeNanoseconds: now, usedNanoseconds: now)
    }

    /// For the next one; only if it is known for sure what is in it.
    func giveBack(_ file: ScratchFile) async {
        guard isGood(file) else { return await drop(file) }
        var file = file
        file.usedNanoseconds = cluster.monotonicNanoseconds
        idle.withLock { $0[file.shard, default: []].append(file) }
    }

    /// Lets it expire now, never to be used again. It would expire anyway, so a failure does no harm.
    func drop(_ file: ScratchFile) async {
        do throws(ClientError) {
            _ = try await cluster.call(
                ScrapTransientFileRequest(id: file.handle.id, cookie: file.handle.cookie), shard: file.shard)
        } catch {}
    }

    /// Lets all that are not in use expire.
    func dropIdle() async {
        let files = idle.withLock { idle in
            defer { idle = [:] }
            return idle.values.flatMap { $0 }
        }
        for file in files { await drop(file) }
    }

    private func isGood(_ file: ScratchFile) -> Bool {
        let now = cluster.monotonicNanoseconds
        return file.spans < spanLimit && now &- file.madeNanoseconds < lifetimeNanoseconds
            && now &- file.usedNanoseconds < idleNanoseconds
    }
}
