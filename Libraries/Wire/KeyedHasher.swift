import CCrypto

/// As `KeyedHash` for many messages with one key, whose schedule is computed once.
///
/// Not Sendable: each connection has its own.
public final class KeyedHasher {
    /// Bytes of a code.
    public static let codeSize = 32

    private let context: OpaquePointer

    public init(key: [UInt8]) {
        // libcrypto fails here only when there is no memory left or it was built without SHA-256; there is no going on
        // then.
        guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil), let context = EVP_MAC_CTX_new(algorithm) else {
            fatalError("libcrypto has no HMAC")
        }
        EVP_MAC_free(algorithm)
        var digest = Array("SHA256".utf8CString)
        let isReady = digest.withUnsafeMutableBufferPointer { name in
            let parameters = [
                OSSL_PARAM_construct_utf8_string("digest", name.baseAddress, 0), OSSL_PARAM_construct_end(),
            ]
            return EVP_MAC_init(context, key, key.count, parameters)
        }
        guard isReady == 1 else { fatalError("libcrypto cannot make an HMAC with SHA-256") }
        self.context = context
    }

    deinit { EVP_MAC_CTX_free(context) }

    /// The code of a number, little-endian, and the bytes after it.
    public func code(of number: UInt64, _ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64, UInt64, UInt64) {
        var code: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        let isMade = withUnsafeBytes(of: number.littleEndian) { number in
            withUnsafeMutableBytes(of: &code) { code in
                // Without a key it begins anew with the one it has.
                EVP_MAC_init(context, nil, 0, nil) == 1 && add(number) && add(bytes) && finish(into: code)
            }
        }
        guard isMade else { fatalError("libcrypto cannot make an HMAC with SHA-256") }
        return code
    }

    private func add(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.isEmpty || EVP_MAC_update(context, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count) == 1
    }

    private func finish(into code: UnsafeMutableRawBufferPointer) -> Bool {
        var size = 0
        return EVP_MAC_final(context, code.bindMemory(to: UInt8.self).baseAddress, &size, code.count) == 1
            && size == code.count
    }
}
