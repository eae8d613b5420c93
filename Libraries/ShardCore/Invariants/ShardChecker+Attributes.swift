import Protocol
import Store

extension ShardChecker {
    /// A: ownerships and their numbers lead to each other, and every record of extended attributes is some inode's.
    func checkAttributes() throws(ShardStateError) {
        var ownerships = try cursor(.ownerships, StoredOwnership.init)
        var next: UInt64 = 0
        while let found = ownerships.current {
            let number = try value(of: keys.ownershipNumber(found.ownership))
                .flatMap { try? OwnershipNumberRecord(decoding: $0) }
            expect(
                UInt64(found.number) == next && number?.number == found.number, .a,
                at: "shard \(shard), ownership \(found.number)",
                "is the one after \(next), and is found under \(number.map { String($0.number) } ?? "no number")")
            next = UInt64(found.number) + 1
            try ownerships.advance()
        }
        var numbers = try cursor(.ownershipNumbers, StoredOwnershipNumber.init)
        while let found = numbers.current {
            let record = try value(of: keys.ownership(found.number)).flatMap { try? OwnershipRecord(decoding: $0) }
            expect(
                record.map { keys.ownershipNumber($0.ownership) } == found.key, .a,
                at: "shard \(shard), ownership \(found.number)", "is another one than that which leads to it")
            try numbers.advance()
        }
        var extended = try cursor(.extended, StoredInode<ExtendedRecord>.init)
        while let found = extended.current {
            let stored = try storedAttributes(of: found.id)
            expect(
                stored?.extended.map { Int($0.bytes) } == found.record.listBytes, .a, at: "inode \(found.id)",
                "has \(found.record.listBytes) bytes of extended attributes, of which its record does not know")
            expect(
                found.record.isPossible, .a, at: "inode \(found.id)",
                "has extended attributes of one name, without a name, or too many")
            try extended.advance()
        }
    }

    /// What the record of an inode, linked or superseded, says of its attributes.
    private func storedAttributes(of id: InodeID) throws(ShardStateError) -> AttributesRecord? {
        if id.isDirectory {
            return try value(of: keys.directory(id)).flatMap { try? DirectoryRecord(decoding: $0) }?.attributes
        }
        if let file = try value(of: keys.file(id)).flatMap({ try? FileRecord(decoding: $0) }) {
            return file.attributes
        }
        let transient = try value(of: keys.transientFile(id)).flatMap { try? TransientFileRecord(decoding: $0) }
        return transient?.supersededVersion?.attributes
    }

    /// A: what an inode's record says of its attributes is there, and can be said of such an inode.
    func check(
        _ attributes: AttributesRecord, of id: InodeID, size: UInt64, version: Timestamp?
    ) throws(ShardStateError) {
        if case .listed(let number) = attributes.ownership {
            let isThere = try value(of: keys.ownership(number)) != nil
            expect(isThere, .a, at: "inode \(id)", "has ownership \(number), which is not in the list")
        }
        if attributes.extended != nil {
            let isThere = try value(of: keys.extended(id)) != nil
            expect(isThere, .a, at: "inode \(id)", "should have extended attributes, but there are none")
        }
        expect(
            attributes.special == nil || (id.type == .file && size == 0), .a, at: "inode \(id)",
            "is special, but no empty file")
        expect(
            attributes.holes <= size, .a, at: "inode \(id)", "has \(attributes.holes) bytes of holes in \(size)")
        if let times = attributes.times {
            expect(
                version.map { times.version <= $0 } ?? false, .a, at: "inode \(id)",
                "has times of the version \(times.version) of a directory")
        }
    }
}

struct StoredOwnership {
    var number: UInt32
    var ownership: InodeOwnership

    init?(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard let number = ShardKeys.ownershipNumber(in: Array(key)),
            let record = try? OwnershipRecord(decoding: value)
        else { return nil }
        self.number = number
        ownership = record.ownership
    }
}

struct StoredOwnershipNumber {
    var key: [UInt8]
    var number: UInt32

    init?(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard let record = try? OwnershipNumberRecord(decoding: value) else { return nil }
        self.key = Array(key)
        number = record.number
    }
}

extension ExtendedRecord {
    /// Whether an inode may have these.
    fileprivate var isPossible: Bool {
        !attributes.isEmpty && Set(attributes.map(\.name)).count == attributes.count
            && !attributes.contains { $0.name.isEmpty }
            && attributes.reduce(0) { $0 + $1.countedBytes } <= AttributeLimits.extendedBytes
    }
}
