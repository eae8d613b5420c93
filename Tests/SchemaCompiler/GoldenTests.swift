import SchemaLanguage
import Testing

/// What the compiler writes for small schemas.
@Suite(.timeLimit(.minutes(1)))
struct GoldenTests {
    static let schema = """
        value InodeID: u64 checked
        value Timestamp: u64
        alias Name = bytes
        service Shard
        /// The inode that a name points to.
        rpc LOOKUP = 0x01 read kernel {
            request view { dirId: InodeID, name: Name }
            response { targetId: InodeID, creationTime: Timestamp }
        }
        struct Span { size: u32, inline: bool, parts: list<Part>, rest: list<u16> }
        /// A part.
        struct Part { kind: u8, body: bytes }
        struct Piece view { offset: u64, body: bulk }
        struct Empty {}
        union Either {
            header: Selector
            body by kind {
                refuse 0
                case 1 part: Part
                case else empty: Empty
            }
        }
        struct Selector { kind: u8 }
        errors { FILE_NOT_FOUND = 17 }
        """

    /// The Swift for `schema`.
    private func source() throws -> String {
        let schema = try Resolver.resolve([try Parser.parse(Self.schema, path: "proto/shard.schema")])
        return SwiftEmitter(schema: schema).source(for: schema.files[0])
    }

    @Test func fixedSize() throws {
        let expected = """
                @inlinable
                public init(loading bytes: UnsafeRawPointer) {
                    targetId = InodeID(loading: bytes)
                    creationTime = Timestamp(loading: bytes + 8)
                }

                @inlinable
                public func store(to bytes: UnsafeMutableRawPointer) {
                    targetId.store(to: bytes)
                    creationTime.store(to: bytes + 8)
                }

                @inlinable public var isValidOnWire: Bool { targetId.isValidOnWire }
            }
            """
        #expect(try source().contains(expected))
        #expect(try source().contains("public struct LookupResponse: FixedWireValue, Hashable {"))
    }

    @Test func variableSize() throws {
        let expected = """
                @inlinable public static var minimumWireSize: Int { 9 }

                @inlinable
                public init(from reader: inout WireReader) throws(DecodeError) {
                    let run0 = try reader.take(5)
                    size = UInt32(loading: run0)
                    inline = Bool(loading: run0 + 4)
                    parts = try reader.list(of: Part.self)
                    rest = try reader.list(of: UInt16.self)
                }

                @inlinable
                public func encode(into writer: inout WireWriter) throws(EncodeError) {
                    let run0 = try writer.take(5)
                    size.store(to: run0)
                    inline.store(to: run0 + 4)
                    try writer.list(parts)
                    try writer.list(rest)
                }

                @inlinable public var encodedSize: Int { \
            9 &+ parts.reduce(0) { $0 &+ $1.encodedSize } &+ rest.count &* 2 }
            }
            """
        #expect(try source().contains(expected))
    }

    @Test func views() throws {
        let expected = """
            public struct LookupRequestView: WireView {
                @usableFromInline let run0: UnsafeRawPointer
                public let name: UnsafeRawBufferPointer

                @inlinable public var dirId: InodeID { InodeID(loading: run0) }

                @inlinable
                public init(from reader: inout WireReader) throws(DecodeError) {
                    run0 = try reader.take(8)
                    guard InodeID(loading: run0).isValidOnWire else { throw .invalidValue }
                    name = try reader.bytesView()
                }
            """
        #expect(try source().contains(expected))
    }

    @Test func longByteStrings() throws {
        let owned = """
                @inlinable public static var minimumWireSize: Int { 12 }

                @inlinable
                public init(from reader: inout WireReader) throws(DecodeError) {
                    let run0 = try reader.take(8)
                    offset = UInt64(loading: run0)
                    body = try reader.bulk()
                }

                @inlinable
                public func encode(into writer: inout WireWriter) throws(EncodeError) {
                    let run0 = try writer.take(8)
                    offset.store(to: run0)
                    try writer.bulk(body)
                }

                @inlinable public var encodedSize: Int { 12 &+ body.count }
            }
            """
        #expect(try source().contains(owned))
        #expect(try source().contains("body = try reader.bulkView()"))
    }

    @Test func unions() throws {
        let expected = """
                public init(from reader: inout WireReader) throws(DecodeError) {
                    header = try Selector(from: &reader)
                    switch header.kind {
                        case 0: throw .invalidVariant
                        case 1: body = .part(try Part(from: &reader))
                        default: body = .empty(try Empty(from: &reader))
                    }
                }
            """
        #expect(try source().contains(expected))
    }

    @Test func kindsErrorsAndDocumentation() throws {
        let source = try source()
        #expect(source.contains("case lookup = 1\n"))
        #expect(source.contains("case .lookup: \"LOOKUP\""))
        #expect(source.contains("public static let fileNotFound = ProtocolError(rawValue: 17)"))
        let documented = "/// The inode that a name points to.\npublic struct LookupRequest: WireValue, ShardRPC"
        #expect(source.contains(documented))
    }

    @Test func names() {
        #expect(upperCamel("ADD_SPAN_AT_LOCATION_INITIATE") == "AddSpanAtLocationInitiate")
        #expect(lowerCamel("CDC_SNAPSHOT") == "cdcSnapshot")
    }
}
