import Consensus
import Wire

/// Nanoseconds.
extension BootInstant: FixedWireValue {
    public static var wireSize: Int { 8 }

    public init(loading bytes: UnsafeRawPointer) {
        self.init(nanoseconds: UInt64(loading: bytes))
    }

    public func store(to bytes: UnsafeMutableRawPointer) {
        nanoseconds.store(to: bytes)
    }
}
