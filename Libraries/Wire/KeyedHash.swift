import CCrypto

/// HMAC with SHA-256 (RFC 2104): from a secret and a label follows a key that tells nothing of the secret, nor of the
/// keys for other labels.
public enum KeyedHash {
    /// 32 bytes.
    public static func code(of message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        var size: UInt32 = 0
        // libcrypto fails here only when there is no memory left or it was built without SHA-256.
        guard HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, &size) != nil, size == 32 else {
            fatalError("libcrypto cannot make an HMAC with SHA-256")
        }
        return code
    }
}
