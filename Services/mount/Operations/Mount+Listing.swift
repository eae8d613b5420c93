import Client
import Glibc
import Protocol

/// A name in a listing.
struct ListedName: Sendable {
    let offset: UInt64
    let name: [UInt8]
    /// The inode, or for a file under construction the kernel's number of it.
    let inode: InodeID

    init(_ name: [UInt8], _ hash: NameHash, _ inode: InodeID) {
        offset = ListingOffset.of(name, hash)
        self.name = name
        self.inode = inode
    }
}

extension Mount {
    /// readdir and readdirplus. An offset says where to go on (`ListingOffset`), 0 being `.` and 1 `..`.
    func list(
        _ number: UInt64, from offset: off_t, capacity: Int, plus: Bool, _ reply: FuseReply
    ) async throws(Errno) -> Answer {
        let directory = try directory(number)
        var buffer = DirectoryBuffer(reply, capacity: capacity, style: style)
        appendDots(&buffer, number, from: offset, plus)
        var offset = UInt64(max(offset, 2))
        var next: ListingPlace? = ListingPlace(from: ListingOffset.firstHash(of: offset))
        // The cluster's order is another one among names that share the upper bits of their hash, so they wait for all
        // of those.
        var waiting: [ListedName] = []
        while let place = next {
            let page = try await posix { () throws(ClientError) in
                try await client.readDirectoryPage(directory, from: place)
            }
            next = page.next
            waiting += page.names.map { ListedName($0.name, $0.nameHash, $0.targetId) }
            let end = page.next.map { ListingOffset.firstOffset(of: $0.hash) } ?? .max
            guard offset < end else { continue }
            let ready = withOwnNames(waiting.filter { $0.offset < end }, in: directory, offset..<end)
            waiting.removeAll { $0.offset < end }
            guard await append(ready, of: directory, to: &buffer, plus) == ready.count else { break }
            offset = end
        }
        return .listing(buffer)
    }

    /// Names in order, those of files under construction among them.
    private func withOwnNames(
        _ listed: [ListedName], in directory: InodeID, _ range: Range<UInt64>
    ) -> [ListedName] {
        let own = places.names(in: directory, from: ListingOffset.firstHash(of: range.lowerBound).rawValue)
            .map { ListedName($0.name, NameHash(rawValue: $0.hash), NodeNumber.inode($0.number)) }
        let ownNames = Set(own.map(\.name))
        return (listed.filter { !ownNames.contains($0.name) } + own)
            .filter { range.contains($0.offset) }.sorted { $0.offset < $1.offset }
    }

    private func appendDots(_ buffer: inout DirectoryBuffer, _ number: UInt64, from offset: off_t, _ plus: Bool) {
        let parent = node(number).place.map { NodeNumber.number($0.directory) } ?? number
        let dots: [(name: [UInt8], number: UInt64, next: off_t)] = [
            ([UInt8(ascii: ".")], number, 1), ([UInt8(ascii: "."), UInt8(ascii: ".")], parent, 2),
        ]
        for (name, number, next) in dots where offset < next {
            let attributes = Attributes(
                number: number, type: .directory, size: 0, modified: .zero, accessed: .zero, validSeconds: 0)
            if plus {
                buffer.append(name, Entry(attributes: attributes, validSeconds: 0), isCounted: false, next: next)
            } else {
                buffer.append(name, number, mode: S_IFDIR, next: next)
            }
        }
    }

    /// Adds names as long as there is room; returns how many.
    private func append(
        _ names: [ListedName], of directory: InodeID, to buffer: inout DirectoryBuffer, _ plus: Bool
    ) async -> Int {
        let fitting = fitting(names, in: buffer, plus)
        let entries = plus ? await entries(for: names[..<fitting]) : [:]
        for index in 0..<fitting {
            let listed = names[index]
            let isLastThere = index + 1 == names.count || names[index + 1].offset != listed.offset
            // Going on at one of several names with an offset repeats them rather than losing some.
            let next = off_t(clamping: listed.offset + (isLastThere ? 1 : 0))
            guard plus else {
                buffer.append(listed.name, NodeNumber.number(listed.inode), mode: listed.inode.mode, next: next)
                continue
            }
            // Removed since it was listed, or unknown for another reason: the kernel will ask when somebody wants it.
            if let entry = entries[index] {
                let node = nodes.node(for: listed.inode)
                node.lookups += 1
                node.place = Place(directory: directory, name: listed.name)
                buffer.append(listed.name, entry, isCounted: true, next: next)
            } else {
                let attributes = Attributes(
                    number: NodeNumber.number(listed.inode), type: listed.inode.type, size: 0, modified: .zero,
                    accessed: .zero, validSeconds: 0)
                buffer.append(
                    listed.name, Entry(attributes: attributes, validSeconds: 0), isCounted: false, next: next)
            }
        }
        return fitting
    }

    /// How many of the names fit, whole groups of one offset only.
    private func fitting(_ names: [ListedName], in buffer: DirectoryBuffer, _ plus: Bool) -> Int {
        var room = buffer.room
        var fitting = 0
        var index = 0
        while index < names.count {
            var end = index
            var needed = 0
            repeat {
                needed += DirectoryBuffer.size(nameBytes: names[end].name.count, plus: plus)
                end += 1
            } while end < names.count && names[end].offset == names[index].offset
            guard needed <= room else { break }
            room -= needed
            fitting = end
            index = end
        }
        return fitting
    }

    /// Attributes of many inodes at once; those that cannot be had are left out.
    private func entries(for names: ArraySlice<ListedName>) async -> [Int: Entry] {
        var entries: [Int: Entry] = [:]
        var missing: [(index: Int, inode: InodeID)] = []
        let now = loop.monotonicNanoseconds
        for index in names.indices {
            let inode = names[index].inode
            let node = nodes[NodeNumber.number(inode)]
            if let construction = node?.construction {
                entries[index] = Entry(attributes: attributes(of: construction), validSeconds: caching.names)
            } else if let node, !node.isAlias, let known = node.attributes(at: now) {
                entries[index] = Entry(
                    attributes: attributes(known, number: node.number), validSeconds: caching.names)
            } else {
                missing.append((index, inode))
            }
        }
        for (index, found) in await ask(missing) {
            entries[index] = Entry(
                attributes: attributes(found, number: NodeNumber.number(found.id)), validSeconds: caching.names)
        }
        return entries
    }

    private func ask(_ missing: [(index: Int, inode: InodeID)]) async -> [(Int, InodeAttributes)] {
        let client = client
        return await withTaskGroup(of: (Int, InodeAttributes?).self) { group in
            for (index, inode) in missing {
                group.addTask(executorPreference: client.loop) { (index, try? await client.attributes(of: inode)) }
            }
            var found: [(Int, InodeAttributes)] = []
            for await (index, attributes) in group {
                if let attributes { found.append((index, attributes)) }
            }
            return found
        }
    }
}

extension InodeID {
    /// The file type bits of st_mode.
    fileprivate var mode: mode_t {
        switch type {
        case .directory: S_IFDIR
        case .symlink: S_IFLNK
        default: S_IFREG
        }
    }
}
