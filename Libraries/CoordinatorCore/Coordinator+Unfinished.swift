import Protocol
import Store

/// What the coordinator's log says was begun and not finished. A leader takes it up; until then the namespace may
/// deviate from its rules wherever this has a hand in it (metadata.md A.13).
public struct UnfinishedWork: Sendable {
    public struct Transaction: Sendable {
        public var id: TransactionID
        public var kind: CdcKind
    }

    struct Name: Hashable {
        var directory: InodeID
        var name: [UInt8]
    }

    public internal(set) var transactions: [Transaction] = []
    /// Directory ids handed out whose fate is to be found out.
    public internal(set) var reserved: Set<InodeID> = []
    var inodes: Set<InodeID> = []
    var names: Set<Name> = []

    /// Nothing is under way.
    public init() {}

    public var isEmpty: Bool { transactions.isEmpty && reserved.isEmpty }

    /// Whether a transaction works on this inode, or on this name of a directory.
    public func touches(_ inode: InodeID) -> Bool {
        inodes.contains(inode) || reserved.contains(inode)
    }

    public func touches(_ directory: InodeID, _ name: [UInt8]) -> Bool {
        names.contains(Name(directory: directory, name: name))
    }
}

extension Coordinator {
    /// What was begun and not finished, from the applied state.
    public func unfinishedWork() -> UnfinishedWork {
        var work = UnfinishedWork()
        work.reserved = ledger.reserved
        for (id, begun) in ledger.begun.sorted(by: { $0.key < $1.key }) {
            work.transactions.append(UnfinishedWork.Transaction(id: id, kind: begun.request.kind))
            Self.collectInodes(in: begun.request, &work.inodes)
            guard let machine = try? machine(for: begun.request, isRecovered: true) else { continue }
            for claim in machine.claims {
                switch claim.resource {
                case .name(let directory, let name):
                    work.names.insert(UnfinishedWork.Name(directory: directory, name: name))
                default: break
                }
            }
        }
        return work
    }

    /// A request names all it works on in fields of type `InodeID`, whatever its kind.
    private static func collectInodes(in value: Any, _ inodes: inout Set<InodeID>) {
        if let id = value as? InodeID {
            inodes.insert(id)
            return
        }
        for child in Mirror(reflecting: value).children { collectInodes(in: child.value, &inodes) }
    }

    /// Hands every entry of the parent map to `body`, in order of the directory: directory and owner.
    public func forEachParent(_ body: (InodeID, InodeID) -> Void) throws(CoordinatorFailure) {
        do throws(StoreError) {
            try ledger.forEach(in: .parents) { number, value in
                guard let owner = try? InodeID(decoding: value) else { return false }
                body(InodeID(rawValue: number), owner)
                return true
            }
        } catch {
            throw .store(error)
        }
    }

    /// Reserved ids that nobody can have been given.
    public func strayReservations() -> [InodeID] {
        ledger.reserved.filter { $0 > ledger.lastReserved }.sorted()
    }
}
