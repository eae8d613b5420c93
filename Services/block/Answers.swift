import Protocol
import Wire

/// Responses as bytes (wire-protocol 5).
enum Answers {
    /// A response without data.
    static func success<Request: BlocksRPC>(to request: Request, _ response: Request.Response) -> [UInt8] {
        bytes(kind: Request.kind.rawValue, response)
    }

    /// A response without body; data follows.
    static func header(of kind: BlocksKind) -> [UInt8] { bytes(kind: kind.rawValue, FetchBlockResponse()) }

    /// An error: kind 0 and its code.
    static func failure(_ error: ProtocolError) -> [UInt8] { bytes(kind: 0, error) }

    private static func bytes(kind: UInt8, _ body: some WireValue) -> [UInt8] {
        do throws(EncodeError) {
            let size = BlocksResponseHeader.size + body.encodedSize
            return try encodedBytes(capacity: size) { (writer) throws(EncodeError) in
                try BlocksResponseHeader(kind: kind).encode(into: &writer)
                try body.encode(into: &writer)
            }
        } catch {
            preconditionFailure("responses of block services have a fixed size")
        }
    }
}
