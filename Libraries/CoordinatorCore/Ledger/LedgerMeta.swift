import Protocol

/// The small part of the ledger that changes with every entry.
struct LedgerMeta: WireValue {
    var appliedIndex: LogIndex
    var lastTransaction: TransactionID
    var lastReserved: InodeID

    static let minimumWireSize = 24
    var encodedSize: Int { Self.minimumWireSize }

    init(_ ledger: CoordinatorLedger) {
        appliedIndex = ledger.appliedIndex
        lastTransaction = ledger.lastTransaction
        lastReserved = ledger.lastReserved
    }

    init(from reader: inout WireReader) throws(DecodeError) {
        appliedIndex = try reader.read()
        lastTransaction = try reader.read()
        lastReserved = try reader.read()
    }

    func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(appliedIndex)
        try writer.write(lastTransaction)
        try writer.write(lastReserved)
    }
}
