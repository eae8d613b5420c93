import Protocol

/// A few changes of attributes that get in each other's way.
enum AttributeVariants {
    static let count = 12

    static func change(_ variant: Int) -> InodeAttributeChange {
        var change = InodeAttributeChange.nothing
        func extended(_ operation: ExtendedOperation, _ name: String, _ bytes: Int) -> ExtendedAttributeChange {
            ExtendedAttributeChange(
                operation: operation, name: Array(name.utf8), value: [UInt8](repeating: UInt8(variant), count: bytes))
        }
        switch variant {
        case 0: change.ownership.mode = 0o600
        case 1: (change.ownership.mode, change.ownership.uid) = (0o4755, 1)
        case 2: change.ownership.gid = 2
        case 3: change.extended = [extended(.set, "user.a", 1)]
        case 4: change.extended = [extended(.create, "user.a", 2)]
        case 5: change.extended = [extended(.remove, "user.a", 0)]
        case 6: change.extended = [extended(.replace, "user.b", 3), extended(.set, "user.c", 0)]
        case 7:
            change.ownership.mode = 0o640
            change.extended = [extended(.set, "user.b", 2100)]
        case 8: change.extended = [extended(.remove, "user.a", 0), extended(.set, "user.c", 2100)]
        case 9: (change.ownership.uid, change.mtime) = (3, 77 | 1 << 63)
        case 10:
            (change.mtime, change.atime) = (78 | 1 << 63, 79 | 1 << 63)
            change.extended = [extended(.set, "user.d", 2100)]
        default: change.atime = 80 | 1 << 63
        }
        return change
    }

    /// What a file can be besides an ordinary one, with its device number.
    static let kinds: [(kind: SpecialFileKind, device: UInt64)] = [
        (.none, 0), (.fifo, 0), (.socket, 0), (.characterDevice, 0x501), (.blockDevice, .max),
    ]
}
