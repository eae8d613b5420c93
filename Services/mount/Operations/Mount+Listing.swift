import Client
import Glibc
import Protocol

/// A name in a listing.
struct ListedName: Sendable {
    let hash: UInt64
    let name: [UInt8]
    /// The inode, or for a file under construction the kernel's number of it.
    let inode: InodeID
}

extension Mount {
    /// readdir and readdirplus. Offsets are hashes of names, which makes them stable whatever is added or removed: an
    /// offset says where to go on, 0 being `.` and 1 `..`. Names that share a hash are given out together.
    func list(
        _ number: UInt64, from offset: off_t, capacity: Int, plus: Bool, _ reply: FuseReply
    ) async throws(Errno) -> Answer {
        let directory = try directory(number)
        var buffer = DirectoryBuffer(reply, capacity: capacity, style: style)
        appendDots(&buffer, number, from: offset, plus)
        // Hashes 0 and 1 are reachable, however unlikely: going on at 2 means all of them.
        var hash: UInt64? = offset <= 2 ? 0 : UInt64(offset)
        while let from = hash {
            let page = try await page(directory, from: from)
            let isFull = await append(page.names, of: directory, to: &buffer, plus)
            hash = isFull ? nil : page.next
        }
        return .listing(buffer)
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

    /// Names from `hash` on, those of files under construction among them, and where the next page begins; nil at the
    /// end.
    private func page(
        _ directory: InodeID, from hash: UInt64
    ) async throws(Errno) -> (names: [ListedName], next: UInt64?) {
        let answer = try await posix { () throws(ClientError) in
            try await client.readDirectoryPage(directory, from: NameHash(rawValue: hash))
        }
        let next = answer.nextHash.rawValue == 0 ? nil : answer.nextHash.rawValue
        if let next, next <= hash { throw .inputOutput }
        var names: [ListedName] = []
        let own = places.names(in: directory, from: hash).filter { next == nil || $0.hash < next ?? 0 }
        let ownNames = Set(own.map(\.name))
        for edge in answer.results where !ownNames.contains(edge.name) {
            names.append(
                ListedName(hash: edge.nameHash.rawValue, name: edge.name, inode: edge.targetId))
        }
        guard !own.isEmpty else { return (names, next) }
        for entry in own {
            names.append(
                ListedName(hash: entry.hash, name: entry.name, inode: NodeNumber.inode(entry.number)))
        }
        names.sort { $0.hash < $1.hash }
        return (names, next)
    }

    /// Adds names as long as there is room; true when there was no more.
    private func append(
        _ names: [ListedName], of directory: InodeID, to buffer: inout DirectoryBuffer, _ plus: Bool
    ) async -> Bool {
        let fitting = fitting(names, in: buffer, plus)
        let entries = plus ? await entries(for: names[..<fitting]) : [:]
        for index in 0..<fitting {
            let listed = names[index]
            let isLastOfHash = index + 1 == names.count || names[index + 1].hash != listed.hash
            // Going on at one of several names with a hash repeats them rather than losing some.
            let next = off_t(clamping: max(2, listed.hash) + (isLastOfHash ? 1 : 0))
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
        return fitting < names.count
    }

    /// How many of the names fit, whole groups of one hash only.
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
            } while end < names.count && names[end].hash == names[index].hash
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
