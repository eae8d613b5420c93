/// What a directory entry may be called: 1...255 bytes, not `.` or `..`, no slash, no NUL; otherwise BAD_NAME.
public enum EntryName {
    /// The greatest length in bytes.
    public static let limit = 255

    @inlinable
    public static func isValid(_ name: some Collection<UInt8>) -> Bool {
        guard (1...limit).contains(name.count) else { return false }
        if name.allSatisfy({ $0 == UInt8(ascii: ".") }) && name.count <= 2 { return false }
        return !name.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }
}
