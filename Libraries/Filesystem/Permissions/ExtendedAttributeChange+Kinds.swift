import Protocol

extension ExtendedAttributeChange {
    static func set(_ name: [UInt8], _ value: [UInt8]) -> Self { Self(operation: .set, name: name, value: value) }

    static func remove(_ name: [UInt8]) -> Self { Self(operation: .remove, name: name, value: []) }

    /// The same on top of what may have it already.
    var repeated: Self { operation.removes ? .drop(name) : .set(name, value) }

    /// Leaves none of that name, whether or not there is one.
    static func drop(_ name: [UInt8]) -> Self { Self(operation: .drop, name: name, value: []) }
}
