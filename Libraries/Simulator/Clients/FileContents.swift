import Erasure

/// What a user put into a file, which its spans have to add up to for ever.
struct FileContents {
    let bytes: [UInt8]
    let crc: CRC32C

    init(_ bytes: [UInt8] = []) {
        self.bytes = bytes
        crc = CRC32C(of: bytes)
    }
}
