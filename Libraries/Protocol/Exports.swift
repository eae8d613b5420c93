// Whoever handles messages needs `CRC32C`, `MAC`, `WireReader` and the errors as well.
@_exported import Wire

// Messages name entries of logs, and what belongs to them.
@_exported import struct Consensus.BootInstant
@_exported import struct Consensus.Incarnation
@_exported import struct Consensus.LogIndex
@_exported import struct Consensus.Nonce
@_exported import struct Consensus.Position
@_exported import struct Consensus.Term
