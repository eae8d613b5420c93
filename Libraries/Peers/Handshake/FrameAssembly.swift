import Mutations
import Protocol

/// Makes frames of what comes in pieces. Of a frame that is longer than any nothing is kept.
struct FrameAssembly {
    /// The beginning of a frame.
    private var partial: [UInt8] = []

    /// Takes what has come.
    ///
    /// - Parameter whole: is given each frame that is complete, with its length and MAC; false: no more.
    mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ whole: (UnsafeRawBufferPointer) -> Bool
    ) throws(PeerRefusal) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if partial.isEmpty, let size = try Self.size(UnsafeRawBufferPointer(rebasing: rest)), size <= rest.count {
                // It need not be copied.
                guard whole(UnsafeRawBufferPointer(rebasing: rest.prefix(size))) else { return }
                rest = rest.dropFirst(size)
            } else if try fill(from: &rest) {
                let frame = partial
                partial = []
                guard frame.withUnsafeBytes(whole) else { return }
            }
        }
    }

    /// Takes what the partial frame lacks; true when it is whole.
    private mutating func fill(from rest: inout Slice<UnsafeRawBufferPointer>) throws(PeerRefusal) -> Bool {
        let known = try partialSize()
        if partial.count == FrameSeal.headerSize, let known { partial.reserveCapacity(known) }
        let taken = rest.prefix((known ?? FrameSeal.headerSize) - partial.count)
        partial.append(contentsOf: taken)
        rest = rest.dropFirst(taken.count)
        return try partialSize() == partial.count
    }

    private func partialSize() throws(PeerRefusal) -> Int? {
        guard partial.count >= FrameSeal.headerSize else { return nil }
        return try partial.withUnsafeBytes { Self.length($0) }.map(Self.size)
    }

    private static func size(_ bytes: UnsafeRawBufferPointer) throws(PeerRefusal) -> Int? {
        guard let length = length(bytes) else { return nil }
        return try size(length)
    }

    private static func length(_ bytes: UnsafeRawBufferPointer) -> UInt32? {
        bytes.count < FrameSeal.headerSize ? nil : UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
    }

    /// Of a whole frame. Its length is bounded before anything is kept for it.
    private static func size(_ length: UInt32) throws(PeerRefusal) -> Int {
        guard length <= PeerFrame.byteLimit || Mutation.anyLengthIsRead.isPlanted else { throw .oversize }
        return Int(length) + FrameSeal.overhead
    }
}
