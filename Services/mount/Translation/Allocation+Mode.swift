import Filesystem

extension Allocation {
    private static let keepSize: Int32 = 0x01
    private static let punchHole: Int32 = 0x02
    private static let zeroRange: Int32 = 0x10

    /// From the mode of fallocate(2); nil for what moves the bytes behind the range.
    package init?(mode: Int32) {
        switch mode {
        case 0: self = .plain
        case Self.keepSize: self = .keepSize
        case Self.punchHole | Self.keepSize: self = .punchHole
        case Self.zeroRange: self = .zeroRange(keepsSize: false)
        case Self.zeroRange | Self.keepSize: self = .zeroRange(keepsSize: true)
        default: return nil
        }
    }
}
