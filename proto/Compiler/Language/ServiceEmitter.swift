/// Writes what a service's messages have in common: its kinds, the protocol of its requests, and a sum type for each
/// direction.
struct ServiceEmitter {
    let service: String
    let calls: [Call]

    private var kindType: String { "\(service)Kind" }

    func emit(into text: inout SourceText) {
        kinds(&text)
        requestProtocol(&text)
        sum(direction: "Request", &text)
        sum(direction: "Response", &text)
    }

    private func kinds(_ text: inout SourceText) {
        text.line("/// The kinds of the \(service) service's messages.")
        text.block("public enum \(kindType): UInt8, CaseIterable, Sendable, CustomStringConvertible") { text in
            for call in calls { text.line("case \(call.caseName) = \(call.kind)") }
            text.line()
            text.line("/// The name in the protocol's documents, such as `\(calls.first?.name ?? "")`.")
            property("description: String", &text) { "\"\($0.name)\"" }
            text.line("/// The size in bytes of the smallest request.")
            property("minimumRequestSize: Int", &text) { "\($0.request.name).minimumWireSize" }
            text.line("/// The size in bytes of the smallest response.")
            property("minimumResponseSize: Int", &text) { "\($0.response.name).minimumWireSize" }
            if calls.contains(where: { $0.access != nil }) {
                text.line("/// Whether the request leaves the state alone and so needs no log entry.")
                property("isReadOnly: Bool", &text) { String($0.access == .read) }
                text.line("/// Whether the request is accepted in signed packets only.")
                property("isPrivileged: Bool", &text) { String($0.access == .privileged) }
            }
        }
        text.line()
    }

    private func property(_ declaration: String, _ text: inout SourceText, value: (Call) -> String) {
        text.block("public var \(declaration)") { text in
            text.block("switch self") { text in
                for call in calls { text.line("case .\(call.caseName): \(value(call))") }
            }
        }
        text.line()
    }

    private func requestProtocol(_ text: inout SourceText) {
        text.line("/// A request to the \(service) service.")
        text.block("public protocol \(service)RPC: RPC") { text in
            text.line("/// The kind byte of request and response.")
            text.line("static var kind: \(kindType) { get }")
            text.line("/// The request as one of all of the service's.")
            text.line("var erased: Any\(service)Request { get }")
            text.line("/// The response to such a request; nil when `any` is one to another kind.")
            text.line("static func response(in any: Any\(service)Response) -> Response?")
            text.line("/// A response to such a request as one of all of the service's.")
            text.line("static func erase(_ response: Response) -> Any\(service)Response")
        }
        text.line()
        text.block("extension \(service)RPC") { text in
            text.line("@inlinable public static var kindByte: UInt8 { kind.rawValue }")
        }
        text.line()
    }

    /// The members that make `call`'s request conform to the service's protocol.
    func conformance(of call: Call, _ text: inout SourceText) {
        text.line("public typealias Response = \(call.response.name)")
        text.line("@inlinable public static var kind: \(kindType) { .\(call.caseName) }")
        text.line("@inlinable public var erased: Any\(service)Request { .\(call.caseName)(self) }")
        text.line()
        text.line("@inlinable")
        text.block("public static func response(in any: Any\(service)Response) -> Response?") { text in
            if calls.count > 1 {
                text.line("if case .\(call.caseName)(let response) = any { response } else { nil }")
            } else {
                text.line("switch any { case .\(call.caseName)(let response): response }")
            }
        }
        text.line()
        text.line("@inlinable")
        text.line(
            "public static func erase(_ response: Response) -> Any\(service)Response { .\(call.caseName)(response) }")
        text.line()
    }

    private func sum(direction: String, _ text: inout SourceText) {
        text.line("/// Any \(direction.lowercased()) of the \(service) service.")
        text.block("public enum Any\(service)\(direction): Hashable, Sendable") { text in
            for call in calls { text.line("case \(call.caseName)(\(call.typeName)\(direction))") }
            text.line()
            text.line("/// The kind byte that announces it.")
            property("kind: \(kindType)", &text) { ".\($0.caseName)" }
            text.line("/// Decodes the body of a \(direction.lowercased()) of this kind.")
            text.block(
                "public static func decode(kind: \(kindType), from reader: inout WireReader) "
                    + "throws(DecodeError) -> Self"
            ) { text in
                text.block("switch kind") { text in
                    for call in calls {
                        let body = "try \(call.typeName)\(direction)(from: &reader)"
                        text.line("case .\(call.caseName): .\(call.caseName)(\(body))")
                    }
                }
            }
            text.line()
            text.line("/// Decodes a body that fills `body` exactly; an unknown kind is refused.")
            text.block(
                "public static func decode(kind: UInt8, body: UnsafeRawBufferPointer) throws(DecodeError) -> Self"
            ) { text in
                text.line("guard let kind = \(kindType)(rawValue: kind) else { throw .unknownKind }")
                text.line("var reader = WireReader(body)")
                text.line("let message = try decode(kind: kind, from: &reader)")
                text.line("try reader.finish()")
                text.line("return message")
            }
            text.line()
            text.line("/// Writes the body, without the kind.")
            text.block("public func encode(into writer: inout WireWriter) throws(EncodeError)") { text in
                text.block("switch self") { text in
                    for call in calls {
                        text.line("case .\(call.caseName)(let value): try value.encode(into: &writer)")
                    }
                }
            }
            text.line()
            text.line("/// The size of the body in bytes.")
            text.block("public var encodedSize: Int") { text in
                text.block("switch self") { text in
                    for call in calls { text.line("case .\(call.caseName)(let value): value.encodedSize") }
                }
            }
        }
        text.line()
    }
}
