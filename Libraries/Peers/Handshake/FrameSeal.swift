import Mutations
import Wire

/// Protects the frames of one connection, in their order: each end has one, and both count.
///
/// Not Sendable: it belongs to its connection's loop.
package final class FrameSeal {
    /// The length of what follows without the MAC, u32.
    package static let headerSize = 4
    package static let macSize = 16
    /// What a frame has besides its bytes.
    package static let overhead = headerSize + macSize

    private let hasher: KeyedHasher
    /// Of the next frame. At a million frames a second it lasts for half a million years.
    private var sequence: UInt64 = 0

    package init(key: [UInt8]) { hasher = KeyedHasher(key: key) }

    /// Writes a frame that holds `bytes` to `place`, which has room for them and `overhead`.
    package func seal(_ bytes: [UInt8], to place: UnsafeMutableRawBufferPointer) {
        place.storeBytes(of: UInt32(truncatingIfNeeded: bytes.count).littleEndian, as: UInt32.self)
        UnsafeMutableRawBufferPointer(rebasing: place[Self.headerSize...]).copyBytes(from: bytes)
        let size = Self.headerSize + bytes.count
        let mac = nextMAC(of: UnsafeRawBufferPointer(rebasing: place[..<size]))
        place.storeBytes(of: mac.0, toByteOffset: size, as: UInt64.self)
        place.storeBytes(of: mac.1, toByteOffset: size + 8, as: UInt64.self)
    }

    /// The bytes in a whole frame; nil when it is not the next one that the other end has sealed. Nothing of the
    /// connection can be believed then.
    package func open(_ frame: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let size = frame.count - Self.macSize
        guard size >= Self.headerSize else { return nil }
        let mac = nextMAC(of: UnsafeRawBufferPointer(rebasing: frame[..<size]))
        let told = (
            frame.loadUnaligned(fromByteOffset: size, as: UInt64.self),
            frame.loadUnaligned(fromByteOffset: size + 8, as: UInt64.self)
        )
        // Takes as long for every difference.
        guard (mac.0 ^ told.0) | (mac.1 ^ told.1) == 0 else { return nil }
        return UnsafeRawBufferPointer(rebasing: frame[Self.headerSize..<size])
    }

    private func nextMAC(of bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        let number = Mutation.framesMayBeReplayed.isPlanted ? 0 : sequence
        sequence += 1
        let code = hasher.code(of: number, bytes)
        return (code.0, code.1)
    }
}
