// Whoever handles messages needs `CRC32C`, `MAC`, `WireReader` and the errors as well.
@_exported import Wire

// Messages name entries of logs.
@_exported import struct Consensus.LogIndex
