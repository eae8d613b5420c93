import Protocol
import Synchronization

/// Disks that do not work for a while, or not any more.
package final class Impairments: Sendable {
    package init() {}

    private struct Entry: Sendable {
        /// -1 once the disk is another one.
        var disk: Int
        let service: BlockServiceID
        let what: String
        let began: Double
        var ended: Double?
    }

    private let entries = Mutex<[Entry]>([])

    func begin(_ disk: Int, _ service: BlockServiceID, _ what: String) {
        entries.withLock {
            $0.append(Entry(disk: disk, service: service, what: what, began: monotonicSeconds(), ended: nil))
        }
    }

    /// The disk works again.
    func end(_ disk: Int) {
        entries.withLock { entries in
            for index in entries.indices where entries[index].disk == disk && entries[index].ended == nil {
                entries[index].ended = monotonicSeconds()
            }
            let old = monotonicSeconds() - 1000
            entries.removeAll { ($0.ended ?? .infinity) < old }
        }
    }

    /// There is a new disk in its place; the service stays impaired for ever.
    func replaced(_ disk: Int) {
        entries.withLock { entries in
            for index in entries.indices where entries[index].disk == disk && entries[index].ended == nil {
                entries[index].disk = -1
            }
        }
    }

    /// Services that were impaired at some time since then.
    func services(since: Double) -> Set<BlockServiceID> {
        entries.withLock { entries in
            Set(entries.filter { ($0.ended ?? .infinity) >= since }.map(\.service))
        }
    }

    /// Numbers of the disks that are impaired now.
    var disks: Set<Int> { entries.withLock { Set($0.filter { $0.ended == nil && $0.disk >= 0 }.map(\.disk)) } }

    var description: String {
        entries.withLock { entries in
            let now = entries.filter { $0.ended == nil && $0.disk >= 0 }.map { "disk \($0.disk) \($0.what)" }
            return now.isEmpty ? "no disk is impaired" : now.joined(separator: ", ")
        }
    }
}
