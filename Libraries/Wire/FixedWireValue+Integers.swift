/// Unsigned integers travel little-endian.
public protocol WireInteger: FixedWireValue, FixedWidthInteger, BitwiseCopyable {}

extension WireInteger {
    @inlinable public static var wireSize: Int { MemoryLayout<Self>.size }

    @inlinable
    public init(loading bytes: UnsafeRawPointer) {
        self.init(littleEndian: bytes.loadUnaligned(as: Self.self))
    }

    @inlinable
    public func store(to bytes: UnsafeMutableRawPointer) {
        bytes.storeBytes(of: littleEndian, as: Self.self)
    }
}

extension UInt8: WireInteger {}
extension UInt16: WireInteger {}
extension UInt32: WireInteger {}
extension UInt64: WireInteger {}

/// One byte, written as 0 or 1; any other non-zero byte is read as true.
extension Bool: FixedWireValue {
    @inlinable public static var wireSize: Int { 1 }

    @inlinable
    public init(loading bytes: UnsafeRawPointer) {
        self = bytes.load(as: UInt8.self) != 0
    }

    @inlinable
    public func store(to bytes: UnsafeMutableRawPointer) {
        bytes.storeBytes(of: self ? 1 : 0, as: UInt8.self)
    }
}
