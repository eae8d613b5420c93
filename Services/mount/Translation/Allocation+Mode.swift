import Filesystem

/// Flags of fallocate(2).
private enum AllocationFlags {
    static let keepSize: Int32 = 0x01
    static let punchHole: Int32 = 0x02
    static let zeroRange: Int32 = 0x10
}

extension Allocation {
    /// From the mode of fallocate(2); nil for what moves the bytes behind the range.
    package init?(mode: Int32) {
        switch mode {
        case 0: self = .plain
        case AllocationFlags.keepSize: self = .keepSize
        case AllocationFlags.punchHole | AllocationFlags.keepSize: self = .punchHole
        case AllocationFlags.zeroRange: self = .zeroRange(keepsSize: false)
        case AllocationFlags.zeroRange | AllocationFlags.keepSize: self = .zeroRange(keepsSize: true)
        default: return nil
        }
    }
}
