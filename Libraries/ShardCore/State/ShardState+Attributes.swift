import Mutations
import Protocol
import Store

// Ownerships, which inodes share, and extended attributes.

extension ShardState {
    func ownership(at place: AttributesRecord.OwnershipPlace) throws(ShardFailure) -> InodeOwnership {
        switch place {
        case .nowhere: return .default
        case .here(let ownership): return ownership
        case .listed(let number):
            if let known = ownerships.ownership(number) { return known }
            // Of this very entry.
            if number == ownerships.count, let addedOwnership { return addedOwnership }
            let key = keys.ownership(number)
            guard let record: OwnershipRecord = try load(key) else { throw .state(.corruptRecord(key: key)) }
            ownerships.insert(record.ownership, number)
            return record.ownership
        }
    }

    /// Where an ownership is to stand; one that no inode had before gets the next number.
    func place(of ownership: InodeOwnership) throws(ShardFailure) -> AttributesRecord.OwnershipPlace {
        if ownership == .default { return .nowhere }
        if let known = ownerships.number(of: ownership) { return .listed(known) }
        if let stored: OwnershipNumberRecord = try load(keys.ownershipNumber(ownership)) {
            ownerships.insert(ownership, stored.number)
            return .listed(stored.number)
        }
        let number = ownerships.count
        guard number < ownerships.storedLimit || Mutation.ownershipsHaveNoLimit.isPlanted else {
            return .here(ownership)
        }
        try put(keys.ownership(number), OwnershipRecord(ownership))
        if !Mutation.ownershipsAreListedTwice.isPlanted {
            try put(keys.ownershipNumber(ownership), OwnershipNumberRecord(number))
        }
        addedOwnership = ownership
        return .listed(number)
    }

    /// The extended attributes of an inode whose record says this of them.
    func extendedAttributes(
        of id: InodeID, _ attributes: AttributesRecord
    ) throws(ShardFailure) -> [ExtendedAttribute] {
        guard attributes.extended != nil else { return [] }
        let key = keys.extended(id)
        guard let record: ExtendedRecord = try load(key) else { throw .state(.corruptRecord(key: key)) }
        return record.attributes
    }

    /// Stores the extended attributes of an inode at `time`, and what its record says of them.
    func putExtended(
        _ list: [ExtendedAttribute], of id: InodeID, _ attributes: inout AttributesRecord, at time: Timestamp
    ) throws(ShardFailure) {
        guard !list.isEmpty else { return removeExtended(of: id, &attributes) }
        let record = ExtendedRecord(list)
        guard let bytes = UInt16(exactly: record.listBytes) else { throw .refused(.attributesTooLarge) }
        try put(keys.extended(id), record)
        attributes.extended = AttributesRecord.Extended(bytes: bytes, version: time)
    }

    private func removeExtended(of id: InodeID, _ attributes: inout AttributesRecord) {
        removeExtended(of: id, attributes)
        attributes.extended = nil
    }

    /// An inode whose record said this of its attributes goes, or has no more.
    func removeExtended(of id: InodeID, _ attributes: AttributesRecord) {
        guard attributes.extended != nil, !Mutation.extendedAttributesAreLeftBehind.isPlanted else { return }
        delete(keys.extended(id))
    }

    /// How many ownerships the store has.
    static func storedOwnerships(
        _ store: any OrderedStore, _ keys: ShardKeys, limit: UInt32
    ) throws(ShardStateError) -> OwnershipTable {
        var table = OwnershipTable(storedLimit: limit)
        let iterator = store.iterator(from: keys.lowest(.ownerships), upTo: keys.end(of: .ownerships))
        iterator.seekToLast()
        if iterator.isValid {
            let key = iterator.key
            guard let number = ShardKeys.ownershipNumber(in: key), number < .max else {
                throw .corruptRecord(key: key)
            }
            table.count = number + 1
        }
        do throws(StoreError) {
            try iterator.checkStatus()
        } catch {
            throw .store(error)
        }
        return table
    }
}
