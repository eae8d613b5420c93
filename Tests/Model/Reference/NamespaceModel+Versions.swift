import Protocol

// Versions of files: PUBLISH_FILE, and numbers.

extension NamespaceModel {
    mutating func publish(_ publication: NamespaceRequest.Publication) throws(ProtocolError) -> Moment {
        let (file, owner, name) = (publication.file, publication.directory, publication.name)
        if let since = try linkedBefore(file, owner, name) { return since }
        var directory = try live(owner)
        let former = directory.current[name]?.target ?? .null
        if let expected = publication.expected, expected != former {
            throw expected.isNull ? .cannotOverrideName : .mismatchingTarget
        }
        let isNext = isNext(publication, after: former)
        let beginning = try beginning(
            of: file, in: owner, name, publication.attributes, isFree: isNext || publication.number.isNull)
        let supersedes = isNext && publication.supersedes && publication.expected != nil && former.shard == owner.shard
        try create(name, file, leavingSnapshot: !supersedes, keepsNames: isNext, in: &directory)
        directories[owner] = directory
        files[file]?.state = .linked(mtime: .edge(owner, now))
        attributes[file] = beginning
        if let attributes = publication.attributes {
            files[file]?.kind = attributes.kind
            files[file]?.device = attributes.device
            setTime(file, attributes.change)
            if attributes.change.mtime >> 63 == 1 { changes[file] = 1 }
        }
        if isNext {
            files[file]?.number = publication.number
            newest[owner.shard, default: [:]][publication.number] = file
        }
        if supersedes, case .linked(let mtime) = files[former]?.state {
            files[former]?.state = .superseded(mtime: mtime, .whenWaited)
        }
        return now
    }

    /// Whether the file is a version of what its publication says. Of a file in another shard that is believed.
    private func isNext(_ publication: NamespaceRequest.Publication, after former: InodeID) -> Bool {
        guard former.isFile, !publication.number.isNull else { return false }
        return former.shard != publication.directory.shard || files[former]?.number == publication.number
    }

    /// What comes back in its own shard and is not what its number leads to is a file of its own.
    mutating func renumber(_ id: InodeID, by shard: ShardID, _ number: InodeID?) throws(ProtocolError) {
        guard id.shard == shard, let file = files[id], newestVersion(of: file.number, in: shard) != id else { return }
        guard let number, number.type == id.type, number.shard == shard, everMade.insert(number).inserted else {
            throw .internalError
        }
        files[id]?.number = number
        newest[shard, default: [:]][number] = id
    }

    /// A linked file has gone for good.
    mutating func forgetNumber(of id: InodeID) {
        guard let number = files[id]?.number, newest[id.shard]?[number] == id else { return }
        newest[id.shard]?[number] = nil
    }

    /// What the number of a file leads to in a shard.
    public func newestVersion(of number: InodeID, in shard: ShardID) -> InodeID? {
        if let version = newest[shard]?[number] { return version }
        guard number.shard == shard, let file = files[number], file.number == number, case .linked = file.state else {
            return nil
        }
        return number
    }
}
