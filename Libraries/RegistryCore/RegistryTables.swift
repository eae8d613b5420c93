import Protocol
import Wire

/// Keys and values of the registry's tables (see README.md, "Store layout").
struct RegistryTables {
    static let valueVersion: UInt8 = 1

    enum Table: UInt8 {
        case meta = 0
        case locations = 1
        case replicas = 2
        case blockServices = 3
        case defaultOwnership = 4
        case standing = 5
        case terms = 6
    }

    let prefix: [UInt8]

    var metaKey: [UInt8] { prefix + [Table.meta.rawValue] }
    var standingKey: [UInt8] { prefix + [Table.standing.rawValue] }
    var defaultOwnershipKey: [UInt8] { prefix + [Table.defaultOwnership.rawValue] }

    func key(location: LocationID) -> [UInt8] { prefix + [Table.locations.rawValue, location.rawValue] }

    func key(location: LocationID, group: ReplicaGroup, replica: Int) -> [UInt8] {
        prefix + [
            Table.replicas.rawValue, location.rawValue,
            UInt8(truncatingIfNeeded: group.index >> 8), UInt8(truncatingIfNeeded: group.index), UInt8(replica),
        ]
    }

    func termKey(location: LocationID, group: ReplicaGroup) -> [UInt8] {
        prefix + [
            Table.terms.rawValue, location.rawValue, UInt8(truncatingIfNeeded: group.index >> 8),
            UInt8(truncatingIfNeeded: group.index),
        ]
    }

    func key(blockService id: BlockServiceID) -> [UInt8] {
        prefix + [Table.blockServices.rawValue] + withUnsafeBytes(of: id.rawValue.bigEndian) { [UInt8]($0) }
    }

    /// The half-open bounds of a table.
    func bounds(of table: Table) -> (lower: [UInt8], upper: [UInt8]) {
        (prefix + [table.rawValue], prefix + [table.rawValue + 1])
    }

    static func value(_ row: some WireValue) throws(EncodeError) -> [UInt8] { [valueVersion] + (try row.encoded()) }

    static func value(fixed row: some FixedWireValue) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: type(of: row).wireSize, alignment: 1) { buffer in
            row.store(to: buffer.baseAddress!)
            return [valueVersion] + buffer
        }
    }

    /// Decodes a stored row; `table` is named when it is not one.
    static func row<Row: WireValue>(
        _ value: [UInt8], in table: Table, as type: Row.Type = Row.self
    ) throws(RegistryCoreError) -> Row {
        guard value.first == valueVersion else { throw .corrupt("\(table): unknown value version") }
        do throws(DecodeError) {
            return try Row(decoding: [UInt8](value.dropFirst()))
        } catch {
            throw .corrupt("\(table): \(error)")
        }
    }
}
