import Mutations
import Protocol
import Store
import Wire

/// Between memory and store: every change goes into both, the store's part in one batch per entry.
extension RegistryCore {
    func setLocation(_ id: LocationID, _ row: LocationRow, in batch: inout WriteBatch) {
        locations[id] = row
        batch.put(tables.key(location: id), [RegistryTables.valueVersion] + row.name)
    }

    func setReplica(
        _ row: ReplicaRow, at replica: Int, of group: ReplicaGroup, location: LocationID, in batch: inout WriteBatch
    ) {
        locations[location]?[group][replica] = row
        batch.put(
            tables.key(location: location, group: group, replica: replica), RegistryTables.value(fixed: row))
    }

    func setTerm(_ term: Term, of group: ReplicaGroup, location: LocationID, in batch: inout WriteBatch) {
        guard locations[location]?.term(of: group) != term else { return }
        locations[location]?.setTerm(term, of: group)
        batch.put(tables.termKey(location: location, group: group), RegistryTables.value(fixed: term))
    }

    func setBlockService(_ row: FullBlockServiceInfo, in batch: inout WriteBatch) throws(RegistryCoreError) {
        let usableBefore = blockServices[row.id]?.isWritable ?? false
        if usableBefore != row.isWritable { assignment.isDirty = true }
        blockServices[row.id] = row
        do throws(EncodeError) {
            batch.put(tables.key(blockService: row.id), try RegistryTables.value(row))
        } catch {
            throw .corrupt("blockServices: \(error)")
        }
    }

    func setMeta(_ meta: RegistryMeta, in batch: inout WriteBatch) {
        self.meta = meta
        batch.put(tables.metaKey, RegistryTables.value(fixed: meta))
    }

    func setDefaultOwnership(
        _ request: SetDefaultOwnershipRequest, in batch: inout WriteBatch
    ) throws(RegistryCoreError) {
        defaultOwnership = request
        if Mutation.defaultOwnershipIsNotStored.isPlanted { return }
        do throws(EncodeError) {
            batch.put(tables.defaultOwnershipKey, try RegistryTables.value(request))
        } catch {
            throw .corrupt("defaultOwnership: \(error)")
        }
    }

    func setStanding(_ standing: Standing, in batch: inout WriteBatch) throws(RegistryCoreError) {
        self.standing = standing
        do throws(EncodeError) {
            batch.put(tables.standingKey, try RegistryTables.value(standing))
        } catch {
            throw .corrupt("standing: \(error)")
        }
    }

    func write(_ batch: WriteBatch) throws(RegistryCoreError) {
        try storing { () throws(StoreError) in try store.write(batch, durable: false) }
    }

    func storing<Value>(_ body: () throws(StoreError) -> Value) throws(RegistryCoreError) -> Value {
        do throws(StoreError) {
            return try body()
        } catch {
            throw .store(error)
        }
    }

    /// Calls `body` with the key (without prefix and table byte) and value of each row of a table, in key order.
    func forEachRow(
        in table: RegistryTables.Table, _ body: ([UInt8], [UInt8]) throws(RegistryCoreError) -> Void
    ) throws(RegistryCoreError) {
        let bounds = tables.bounds(of: table)
        let iterator = store.iterator(from: bounds.lower, upTo: bounds.upper)
        iterator.seekToFirst()
        while iterator.isValid {
            try body(Array(iterator.key.dropFirst(bounds.lower.count)), iterator.value)
            iterator.next()
        }
        try storing { () throws(StoreError) in try iterator.checkStatus() }
    }
}
