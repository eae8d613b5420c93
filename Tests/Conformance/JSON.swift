import Foundation
import Protocol

/// A JSON value of the vectors; their conventions are in vectors/README.md.
struct JSON {
    /// What was expected instead of what stands there.
    struct Mismatch: Error, CustomStringConvertible {
        var description: String

        init(_ description: String) { self.description = description }
    }

    let any: Any

    init(_ any: Any) { self.any = any }

    init(line: some DataProtocol) throws {
        any = try JSONSerialization.jsonObject(with: Data(line))
    }

    // MARK: Containers

    func has(_ name: String) -> Bool { (any as? [String: Any])?[name].map { !($0 is NSNull) } ?? false }

    func member(_ name: String) throws -> JSON {
        guard let value = (any as? [String: Any])?[name] else { throw Mismatch("a member '\(name)' in \(any)") }
        return JSON(value)
    }

    var elements: [JSON] {
        get throws {
            guard let array = any as? [Any] else { throw Mismatch("an array instead of \(any)") }
            return array.map(JSON.init)
        }
    }

    // MARK: Values

    var string: String {
        get throws {
            guard let string = any as? String else { throw Mismatch("a string instead of \(any)") }
            return string
        }
    }

    /// A number, or a string of decimal digits.
    func integer<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self) throws -> Integer {
        if let text = any as? String, let value = Integer(text) { return value }
        if let number = any as? NSNumber, let value = Integer(exactly: number.int64Value) { return value }
        throw Mismatch("a number that fits \(type) instead of \(any)")
    }

    var bool: Bool {
        get throws {
            guard let bool = any as? Bool else { throw Mismatch("true or false instead of \(any)") }
            return bool
        }
    }

    /// A string of hexadecimal digits.
    var hex: [UInt8] {
        get throws {
            let digits = Array(try string.utf8)
            return try stride(from: 0, to: digits.count, by: 2).map { index in
                guard let byte = UInt8(String(decoding: digits[index...].prefix(2), as: UTF8.self), radix: 16) else {
                    throw Mismatch("hexadecimal digits instead of \(any)")
                }
                return byte
            }
        }
    }

    // MARK: What generated code calls

    func value<Value: VectorValue>(_ name: String) throws -> Value { try Value(json: try member(name)) }
    func list<Value: VectorValue>(_ name: String) throws -> [Value] { try member(name).elements.map(Value.init(json:)) }
    func bytes(_ name: String) throws -> [UInt8] { try member(name).hex }

    /// A value that is encoded as an integer of so many bytes.
    func integer<Value: WireValue>(bytes count: Int) throws -> Value {
        let value = try integer(UInt64.self)
        return try Value(decoding: (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
    }

    /// A value that is encoded as so many bytes. A failure domain is an object around them.
    func hexadecimal<Value: WireValue>(bytes count: Int) throws -> Value {
        let bytes = any is String ? try hex : try member("name").hex
        guard bytes.count == count else { throw Mismatch("\(count) bytes instead of \(bytes.count)") }
        return try Value(decoding: bytes)
    }
}

/// A value that a vector's JSON can be turned into.
protocol VectorValue {
    init(json: JSON) throws
}

extension UInt8: VectorValue {
    init(json: JSON) throws { self = try json.integer() }
}
extension UInt16: VectorValue {
    init(json: JSON) throws { self = try json.integer() }
}
extension UInt32: VectorValue {
    init(json: JSON) throws { self = try json.integer() }
}
extension UInt64: VectorValue {
    init(json: JSON) throws { self = try json.integer() }
}
extension Bool: VectorValue {
    init(json: JSON) throws { self = try json.bool }
}
