import Protocol

/// Directory infos seen lately. Bounded; entries are believed for a limited time.
struct PolicyCache {
    struct Entry {
        let owner: InodeID
        let info: DirectoryInfo
        let fetchedNanoseconds: UInt64
    }

    private static let limit = 8192

    private let lifetimeNanoseconds: UInt64
    private var entries: [InodeID: Entry] = [:]
    private var resolved: [InodeID: (policies: WritePolicies, nanoseconds: UInt64)] = [:]

    init(lifetimeNanoseconds: UInt64) {
        self.lifetimeNanoseconds = lifetimeNanoseconds
    }

    func entry(_ directory: InodeID, now: UInt64) -> Entry? {
        guard let entry = entries[directory], now &- entry.fetchedNanoseconds < lifetimeNanoseconds else { return nil }
        return entry
    }

    func resolved(_ directory: InodeID, now: UInt64) -> WritePolicies? {
        guard let known = resolved[directory], now &- known.nanoseconds < lifetimeNanoseconds else { return nil }
        return known.policies
    }

    mutating func insert(_ directory: InodeID, _ entry: Entry) {
        if entries.count >= Self.limit { entries.removeAll(keepingCapacity: true) }
        entries[directory] = entry
    }

    mutating func insert(_ directory: InodeID, _ policies: WritePolicies, now: UInt64) {
        if resolved.count >= Self.limit { resolved.removeAll(keepingCapacity: true) }
        resolved[directory] = (policies, now)
    }

    /// A policy was changed: what is inherited from there is not known any more.
    mutating func removeAll() {
        entries.removeAll()
        resolved.removeAll()
    }
}
