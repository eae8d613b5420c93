import Protocol

/// Where a listing goes on. Names that are there all the time are listed once, whatever comes and goes meanwhile.
///
/// READ_DIR goes on by hash. Of names of one hash that do not fit into a datagram together it gives some (Sterna) or
/// none (others), so from there on FULL_READ_DIR is asked, which goes on by name. Sterna lets no directories with so
/// many be made any more.
public struct ListingPlace: Hashable, Sendable {
    /// No name that is still to come has a lower one.
    public let hash: NameHash
    /// A name before all that are to come, or the first of them; empty: none is known.
    private let name: [UInt8]
    /// Whether the name is before.
    private let isPassed: Bool
    fileprivate let goesOnByName: Bool

    /// Everything whose hash is at least this.
    public init(from hash: NameHash = .zero) {
        self.init(hash, name: [], isPassed: true, goesOnByName: false)
    }

    private init(_ hash: NameHash, name: [UInt8], isPassed: Bool, goesOnByName: Bool) {
        self.hash = hash
        self.name = name
        self.isPassed = isPassed
        self.goesOnByName = goesOnByName
    }

    // MARK: By hash

    /// The place after an answer that was asked for here; nil at the end.
    fileprivate func after(_ answer: ReadDirResponse) throws(ListingStandsStill) -> ListingPlace? {
        let next = answer.nextHash
        guard let last = answer.results.last else {
            guard next != .zero else { return nil }
            guard next >= hash else { throw ListingStandsStill() }
            return ListingPlace(next, name: name, isPassed: true, goesOnByName: true)
        }
        // Bit 63 of a hash is never set: after the highest one comes 0.
        if next.rawValue == (last.nameHash.rawValue &+ 1) & ~(1 << 63) {
            return ListingPlace(last.nameHash, name: last.name, isPassed: true, goesOnByName: true)
        }
        guard next != .zero else { return nil }
        guard next > last.nameHash else { throw ListingStandsStill() }
        return ListingPlace(next, name: last.name, isPassed: true, goesOnByName: false)
    }

    // MARK: By name

    fileprivate func request(_ directory: InodeID, _ datagramBytes: UInt16) -> FullReadDirRequest {
        FullReadDirRequest(
            dirId: directory, flags: [.current], startName: name, startTime: .zero, limit: 0, mtu: datagramBytes)
    }

    /// Whether a name of such an answer is still to come.
    fileprivate func isAhead(_ edge: Edge) -> Bool {
        edge.current && edge.nameHash >= hash && !(isPassed && edge.name == name)
    }

    fileprivate func after(_ answer: FullReadDirResponse) throws(ListingStandsStill) -> ListingPlace? {
        let next = answer.next.startName
        guard !next.isEmpty else { return nil }
        let nextHash = NameHash(of: next)
        // The order of directories: by hash, length, bytes.
        let isAdvancing =
            name.isEmpty || (NameHash(of: name).rawValue, name.count) < (nextHash.rawValue, next.count)
            || (NameHash(of: name) == nextHash && name.count == next.count && name.lexicographicallyPrecedes(next))
        guard isAdvancing else { throw ListingStandsStill() }
        return ListingPlace(max(hash, nextHash), name: next, isPassed: false, goesOnByName: true)
    }
}

private struct ListingStandsStill: Error {}

/// Some names of a directory.
public struct DirectoryPage: Sendable {
    /// In the order of their hashes. There may be none although others follow.
    public let names: [CurrentEdge]
    /// Where the next page begins; nil at the end.
    public let next: ListingPlace?
}

extension ShardCalls {
    /// One page of a live directory. Go on with `next`.
    public func readDirectoryPage(
        _ directory: InodeID, from place: ListingPlace, datagramBytes: UInt16
    ) async throws(ClientError) -> DirectoryPage {
        if place.goesOnByName {
            let answer = try await call(place.request(directory, datagramBytes), shard: directory.shard)
            let names = answer.results.filter(place.isAhead).map { edge in
                CurrentEdge(
                    targetId: edge.targetId.id, nameHash: edge.nameHash, name: edge.name,
                    creationTime: edge.creationTime)
            }
            let next = try advanced(directory) { () throws(ListingStandsStill) in try place.after(answer) }
            return DirectoryPage(names: names, next: next)
        }
        let answer = try await call(
            ReadDirRequest(dirId: directory, startHash: place.hash, mtu: datagramBytes), shard: directory.shard)
        let next = try advanced(directory) { () throws(ListingStandsStill) in try place.after(answer) }
        return DirectoryPage(names: answer.results, next: next)
    }

    private func advanced(
        _ directory: InodeID, _ place: () throws(ListingStandsStill) -> ListingPlace?
    ) throws(ClientError) -> ListingPlace? {
        do throws(ListingStandsStill) {
            return try place()
        } catch {
            throw ClientError(.malformedAnswer, "listing of \(directory)", "it does not advance")
        }
    }
}
