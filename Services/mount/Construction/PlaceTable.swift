import Protocol

/// The names that files under construction have for this mount, although the cluster does not know them yet.
package struct PlaceTable: Sendable {
    private var numbers: [Place: UInt64] = [:]
    private var namesByDirectory: [InodeID: Set<[UInt8]>] = [:]

    package init() {}

    package var isEmpty: Bool { numbers.isEmpty }

    /// The kernel's number of the file under construction at this place.
    package func number(at place: Place) -> UInt64? {
        numbers[place]
    }

    /// Whether any file is under construction in the directory.
    package func hasNames(in directory: InodeID) -> Bool {
        namesByDirectory[directory] != nil
    }

    /// The names in a directory whose hash is at least `hash`, in the order of listings.
    package func names(in directory: InodeID, from hash: UInt64) -> [(hash: UInt64, name: [UInt8], number: UInt64)] {
        guard let names = namesByDirectory[directory] else { return [] }
        return names.compactMap { name in
            let own = NameHash(of: name).rawValue
            guard own >= hash, let number = numbers[Place(directory: directory, name: name)] else { return nil }
            return (own, name, number)
        }
        .sorted { ($0.hash, $0.number) < ($1.hash, $1.number) }
    }

    /// Takes over the place from whatever was there.
    package mutating func insert(_ number: UInt64, at place: Place) {
        numbers[place] = number
        namesByDirectory[place.directory, default: []].insert(place.name)
    }

    /// Frees the place if it belongs to `number`.
    package mutating func remove(_ number: UInt64, at place: Place) {
        guard numbers[place] == number else { return }
        numbers[place] = nil
        namesByDirectory[place.directory]?.remove(place.name)
        if namesByDirectory[place.directory]?.isEmpty == true { namesByDirectory[place.directory] = nil }
    }
}
