import Protocol

/// The bytes of a message, whatever they are worth.
struct BodyWriter {
    private(set) var bytes: [UInt8] = []

    mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func raw(_ more: [UInt8]) { bytes += more }

    /// Bytes with their count in front; cut where the count would not fit.
    mutating func counted(_ more: [UInt8]) {
        bytes.append(UInt8(min(more.count, 255)))
        bytes += more.prefix(255)
    }

    mutating func value(_ value: some WireValue) throws { bytes += try value.encoded() }

    /// A list: its count, then its elements.
    mutating func list<Element: WireValue>(_ elements: [Element]) throws {
        integer(UInt16(truncatingIfNeeded: elements.count))
        for element in elements { try value(element) }
    }
}
