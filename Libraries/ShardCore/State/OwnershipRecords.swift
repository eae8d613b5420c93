import Protocol
import Wire

/// An ownership that inodes of the shard have, under its number. It stays when the last of them is gone.
package struct OwnershipRecord: WireValue, Hashable {
    package var ownership: InodeOwnership

    package init(_ ownership: InodeOwnership) { self.ownership = ownership }

    package static var minimumWireSize: Int { 11 }
    package var encodedSize: Int { 11 }

    package init(from reader: inout WireReader) throws(DecodeError) {
        try reader.recordVersion1()
        ownership = try reader.read()
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(recordVersion)
        try writer.write(ownership)
    }
}

/// The number that an ownership has.
package struct OwnershipNumberRecord: WireValue, Hashable {
    package var number: UInt32

    package init(_ number: UInt32) { self.number = number }

    package static var minimumWireSize: Int { 5 }
    package var encodedSize: Int { 5 }

    package init(from reader: inout WireReader) throws(DecodeError) {
        try reader.recordVersion1()
        number = try reader.read()
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(recordVersion)
        try writer.write(number)
    }
}

/// The extended attributes of an inode.
package struct ExtendedRecord: WireValue, Hashable {
    package var attributes: [ExtendedAttribute]

    package init(_ attributes: [ExtendedAttribute]) { self.attributes = attributes }

    /// Of the list, as EXTENDED_ATTRIBUTES answers it.
    package var listBytes: Int { 2 + attributes.reduce(0) { $0 + $1.encodedSize } }

    package static var minimumWireSize: Int { 3 }
    package var encodedSize: Int { 1 + listBytes }

    package init(from reader: inout WireReader) throws(DecodeError) {
        try reader.recordVersion1()
        attributes = try reader.list()
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(recordVersion)
        try writer.list(attributes)
    }
}
