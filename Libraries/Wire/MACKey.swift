import CCrypto

/// A key for CBC-MACs with AES-128 (wire-protocol.md 15); the key schedule is computed once.
///
/// Not Sendable: each loop makes its own from the key's bytes.
public final class MACKey {
    private let context: OpaquePointer
    private let scratch: UnsafeMutableRawPointer
    /// The last cipher block that came out. The context begins every message with it as initial vector, so adding it to
    /// the message's first block gives the zero vector that is wanted, without setting the context up again.
    private var chain: (UInt64, UInt64) = (0, 0)

    private static let blockSize = 16
    /// Enough for every datagram; longer messages go through in pieces.
    private static let scratchSize = 9216

    /// The key's bytes as two little-endian integers.
    public init(low: UInt64, high: UInt64) {
        // libcrypto fails here only when there is no memory left or it was built without AES; there is no going on
        // then.
        guard let context = EVP_CIPHER_CTX_new() else { fatalError("libcrypto: out of memory") }
        var key = (low.littleEndian, high.littleEndian)
        var initialVector: (UInt64, UInt64) = (0, 0)
        let isReady = withUnsafeBytes(of: &key) { key in
            withUnsafeBytes(of: &initialVector) { vector in
                EVP_EncryptInit_ex(
                    context, EVP_aes_128_cbc(), nil, key.bindMemory(to: UInt8.self).baseAddress,
                    vector.bindMemory(to: UInt8.self).baseAddress)
            }
        }
        guard isReady == 1, EVP_CIPHER_CTX_set_padding(context, 0) == 1 else {
            fatalError("libcrypto cannot encrypt with AES-128-CBC")
        }
        self.context = context
        scratch = .allocate(byteCount: Self.scratchSize, alignment: 16)
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
        scratch.deallocate()
    }

    /// The first eight bytes of the last cipher block, the message padded with zeros to whole blocks; zero for the
    /// empty message.
    public func mac(of message: UnsafeRawBufferPointer) -> MAC {
        var rest = message[...]
        var isFirst = true
        var result: UInt64 = 0
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.scratchSize))
            rest = rest.dropFirst(piece.count)
            let size = load(piece)
            if isFirst { addChain() }
            isFirst = false
            result = encrypt(size)
        }
        return MAC(rawValue: result)
    }

    /// Copies a piece of the message and pads it; returns the padded size.
    private func load(_ piece: UnsafeRawBufferPointer) -> Int {
        guard let source = piece.baseAddress else { return 0 }
        let size = (piece.count + Self.blockSize - 1) / Self.blockSize * Self.blockSize
        scratch.storeBytes(of: 0, toByteOffset: size - 16, as: UInt64.self)
        scratch.storeBytes(of: 0, toByteOffset: size - 8, as: UInt64.self)
        scratch.copyMemory(from: source, byteCount: piece.count)
        return size
    }

    private func addChain() {
        scratch.storeBytes(of: scratch.load(as: UInt64.self) ^ chain.0, as: UInt64.self)
        scratch.storeBytes(of: scratch.load(fromByteOffset: 8, as: UInt64.self) ^ chain.1, toByteOffset: 8, as: UInt64.self)
    }

    /// Encrypts the first `size` bytes of the scratch memory in place; returns the first half of the last block.
    private func encrypt(_ size: Int) -> UInt64 {
        let bytes = scratch.assumingMemoryBound(to: UInt8.self)
        var written: Int32 = 0
        guard EVP_EncryptUpdate(context, bytes, &written, bytes, Int32(size)) == 1, written == size else {
            fatalError("libcrypto cannot encrypt with AES-128-CBC")
        }
        chain.0 = scratch.load(fromByteOffset: size - 16, as: UInt64.self)
        chain.1 = scratch.load(fromByteOffset: size - 8, as: UInt64.self)
        return UInt64(littleEndian: chain.0)
    }
}
