import Protocol

/// The small part of the ledger that changes with every entry.
struct LedgerMeta: WireValue {
    var appliedIndex: LogIndex
    var lastTransaction: TransactionID
    var lastReserved: InodeID
    /// Missing in the records of earlier versions.
    var lastSequence: UInt64
    /// Missing in the records of earlier versions.
    var replyClock: ReplyClock

    static let minimumWireSize = 24
    var encodedSize: Int { 48 }

    init(_ ledger: CoordinatorLedger) {
        appliedIndex = ledger.appliedIndex
        lastTransaction = ledger.lastTransaction
        lastReserved = ledger.lastReserved
        lastSequence = ledger.lastSequence
        replyClock = ledger.replyClock
    }

    init(from reader: inout WireReader) throws(DecodeError) {
        appliedIndex = try reader.read()
        lastTransaction = try reader.read()
        lastReserved = try reader.read()
        lastSequence = reader.remaining > 0 ? try reader.read() : 0
        replyClock = reader.remaining > 0 ? try reader.read() : ReplyClock()
    }

    func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(appliedIndex)
        try writer.write(lastTransaction)
        try writer.write(lastReserved)
        try writer.write(lastSequence)
        try writer.write(replyClock)
    }
}
