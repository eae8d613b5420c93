import Wire

/// Puts an entry together: fixed-width integers, little-endian, and byte strings.
struct StateWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// At most 65535 bytes of a text, behind their number; more are left out.
    mutating func put(_ text: String) {
        let utf8 = text.utf8.prefix(Int(UInt16.max))
        put(UInt16(utf8.count))
        bytes.append(contentsOf: utf8)
    }
}

/// Takes an entry apart that a `StateWriter` made; anything else is an error.
struct StateReader {
    private var reader: WireReader

    private init(_ bytes: UnsafeRawBufferPointer) {
        reader = WireReader(bytes)
    }

    /// What `body` makes of `bytes`, all of which it has to read.
    static func read<Value>(
        _ bytes: [UInt8], _ what: String, _ body: (inout StateReader) throws(DecodeError) -> Value
    ) throws(MaintenanceStateError) -> Value {
        let outcome = bytes.withUnsafeBytes { buffer -> Result<Value, DecodeError> in
            var reader = StateReader(buffer)
            do throws(DecodeError) {
                let value = try body(&reader)
                try reader.reader.finish()
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        switch outcome {
        case .success(let value): return value
        case .failure(let error): throw .damaged("\(what): \(error)")
        }
    }

    mutating func integer<Value: WireInteger>(_ type: Value.Type = Value.self) throws(DecodeError) -> Value {
        try reader.read(type)
    }

    var isAtEnd: Bool { reader.remaining == 0 }

    mutating func text() throws(DecodeError) -> String {
        String(decoding: try reader.blob(), as: UTF8.self)
    }
}

/// Keys: a letter for the kind of entry, then parts whose order is the order of their bytes.
struct StateKey {
    private(set) var bytes: [UInt8]

    init(_ kind: Unicode.Scalar) {
        bytes = [UInt8(truncatingIfNeeded: kind.value)]
    }

    func adding(_ value: some FixedWidthInteger) -> StateKey {
        var key = self
        withUnsafeBytes(of: value.bigEndian) { key.bytes.append(contentsOf: $0) }
        return key
    }

    /// A name; its end is marked, so that no name is the beginning of another.
    func adding(name: String) -> StateKey {
        var key = self
        key.bytes.append(contentsOf: name.utf8)
        key.bytes.append(0)
        return key
    }

    /// The first key after all that begin with this one. Kinds are letters, so there is one.
    var end: [UInt8] {
        var end = bytes
        while let last = end.popLast() {
            if last < .max { return end + [last + 1] }
        }
        return end
    }
}
