import Client
import Glibc
import Protocol

extension Mount {
    func makeDirectory(_ parent: UInt64, _ name: [UInt8]) async throws(Errno) -> Answer {
        let place = try free(Place(directory: try directory(parent), name: name))
        let made = try await posix { () throws(ClientError) in
            try await client.makeDirectory(name, in: place.directory)
        }
        let attributes = InodeAttributes(id: made.id, modified: made.creationTime, accessed: made.creationTime, size: 0)
        return .entry(entry(attributes, at: place))
    }

    func makeSymbolicLink(_ parent: UInt64, _ name: [UInt8], to target: [UInt8]) async throws(Errno) -> Answer {
        let place = try free(Place(directory: try directory(parent), name: name))
        let made = try await patience.run { [client] () throws(ClientError) in
            try await client.makeSymbolicLink(name, in: place.directory, target: target)
        }
        let attributes = InodeAttributes(
            id: made.id, modified: made.creationTime, accessed: made.creationTime, size: UInt64(target.count))
        return .entry(entry(attributes, at: place))
    }

    func readSymbolicLink(_ number: UInt64) async throws(Errno) -> Answer {
        let inode = node(number).content
        guard inode.type == .symlink else { throw .invalid }
        return .target(try await posix { () throws(ClientError) in try await client.readSymbolicLink(inode) })
    }

    func removeDirectory(_ parent: UInt64, _ name: [UInt8]) async throws(Errno) -> Answer {
        let place = Place(directory: try directory(parent), name: name)
        guard places.number(at: place) == nil else { throw Errno(ENOTDIR) }
        if !places.isEmpty {
            // The cluster would call a directory empty in which only this mount sees something.
            let found = try await posix { () throws(ClientError) in try await client.lookup(name, in: place.directory) }
            guard !places.hasNames(in: found.targetId) else { throw .notEmpty }
        }
        try await posix { () throws(ClientError) in try await client.removeDirectory(name, in: place.directory) }
        return .done
    }

    func unlink(_ parent: UInt64, _ name: [UInt8]) async throws(Errno) -> Answer {
        let place = Place(directory: try directory(parent), name: name)
        if let construction = try await underConstruction(at: place) {
            detach(construction)
            guard construction.replacesExisting else { return .done }
        }
        try await posix { () throws(ClientError) in try await client.unlink(name, in: place.directory) }
        forgetName(place)
        return .done
    }

    /// A finished file lost its name to this mount: who has it open for writing may go on, and nothing comes of it.
    func forgetName(_ place: Place) {
        for handle in handles.values {
            let number: UInt64
            switch handle {
            case .sealed(let file): number = file.number
            case .constructing(let construction): number = construction.number
            case .reading: continue
            }
            if let node = nodes[number], node.construction == nil, node.place == place { node.place = nil }
        }
    }

    // MARK: Files under construction

    /// The file under construction at a place, once it is certain whether it still is.
    func underConstruction(at place: Place) async throws(Errno) -> Construction? {
        while let number = places.number(at: place), let construction = constructions[number] {
            guard construction.state == .publishing, let publication = construction.publication else {
                return construction
            }
            guard await patience.outcome(of: publication) != nil else { throw .timedOut }
        }
        return nil
    }

    /// Takes the name from a file under construction; it is scrapped with its last handle.
    func detach(_ construction: Construction) {
        construction.isUnlinked = true
        places.remove(construction.number, at: construction.place)
        nodes[construction.number]?.place = nil
    }

    /// Checks that no file under construction has the name. The cluster knows of all others.
    private func free(_ place: Place) throws(Errno) -> Place {
        try Self.checkName(place.name)
        guard places.number(at: place) == nil else { throw .exists }
        return place
    }
}
