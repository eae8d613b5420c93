/// A type that wraps one integer and is encoded as that integer.
public protocol RawWireValue: FixedWireValue, RawRepresentable where RawValue: WireInteger {
    init(rawValue: RawValue)
}

extension RawWireValue {
    @inlinable public static var wireSize: Int { RawValue.wireSize }

    @inlinable
    public init(loading bytes: UnsafeRawPointer) {
        self.init(rawValue: RawValue(loading: bytes))
    }

    @inlinable
    public func store(to bytes: UnsafeMutableRawPointer) {
        rawValue.store(to: bytes)
    }
}
