import Filesystem
import Synchronization

/// Remembers what it was told to forget.
final class RecordingObserver: Observer {
    enum Change: Hashable {
        case content(NodeID)
        case name([UInt8])
    }

    private let told = Mutex<[Change]>([])
    private let heardCount = Mutex(0)

    var changes: [Change] { told.withLock { $0 } }
    /// What nobody has waited for.
    var unheard: [Change] { Array(changes.dropFirst(heardCount.withLock { $0 })) }

    func contentChanged(_ node: NodeID) {
        told.withLock { $0.append(.content(node)) }
    }

    func heard() async {
        let count = changes.count
        heardCount.withLock { $0 = count }
    }

    func nameChanged(_ name: [UInt8], in directory: NodeID) {
        told.withLock { $0.append(.name(name)) }
    }
}
