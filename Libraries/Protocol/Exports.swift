// Whoever handles messages needs `CRC32C`, `MAC`, `WireReader` and the errors as well.
@_exported import Wire
