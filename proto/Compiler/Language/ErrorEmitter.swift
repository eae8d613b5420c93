/// Writes the error codes of the protocol.
struct ErrorEmitter {
    let errors: [ErrorSyntax]

    func emit(into text: inout SourceText) {
        text.line("/// Why a service refuses a request. Codes that are not listed are possible, too.")
        text.block("public struct ProtocolError: RawWireValue, Error, Hashable, CustomStringConvertible") { text in
            text.line("public var rawValue: UInt16")
            text.line()
            text.line("@inlinable")
            text.line("public init(rawValue: UInt16) { self.rawValue = rawValue }")
            text.line()
            for error in errors {
                text.documentation(error.documentation)
                text.line("public static let \(lowerCamel(error.name.text)) = ProtocolError(rawValue: \(error.code))")
            }
            text.line()
            text.line("/// Every code with a name, in ascending order.")
            text.line("public static let known: ClosedRange<UInt16> = \(codes.min() ?? 0)...\(codes.max() ?? 0)")
            text.line()
            text.line("/// The name in the protocol's documents; for an unknown code `ERROR_` and the number.")
            text.block("public var description: String") { text in
                text.block("switch rawValue") { text in
                    for error in errors { text.line("case \(error.code): \"\(error.name.text)\"") }
                    text.line("default: \"ERROR_\\(rawValue)\"")
                }
            }
        }
        text.line()
    }

    private var codes: [UInt64] { errors.map(\.code) }
}
