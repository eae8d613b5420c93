import Protocol

/// The ownerships of a shard that were used lately and their numbers, equal to what is stored; and how many are stored.
struct OwnershipTable {
    /// So many are kept in memory; hardly a cluster has more.
    private static let limit = 4096
    /// So many are stored; what comes then stands in each inode's own record.
    let storedLimit: UInt32

    private(set) var numbers: [InodeOwnership: UInt32] = [:]
    private var ownerships: [UInt32: InodeOwnership] = [:]
    /// How many are stored; their numbers are those below.
    var count: UInt32 = 0

    init(storedLimit: UInt32) { self.storedLimit = storedLimit }

    func ownership(_ number: UInt32) -> InodeOwnership? { ownerships[number] }
    func number(of ownership: InodeOwnership) -> UInt32? { numbers[ownership] }

    mutating func insert(_ ownership: InodeOwnership, _ number: UInt32) {
        if numbers.count >= Self.limit {
            numbers.removeAll()
            ownerships.removeAll()
        }
        numbers[ownership] = number
        ownerships[number] = ownership
    }
}
