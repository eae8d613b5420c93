/// Writes a header followed by the variant that the header selects.
struct UnionEmitter {
    let schema: Schema
    let union: Union

    private var selector: String { "header.\(union.selectorField.name)" }

    /// The header's field as an expression that compares with an integer literal.
    private var selectorValue: String {
        switch union.selectorField.type {
        case .boolean: "(\(selector) ? 1 : 0)"
        case .value: "\(selector).rawValue"
        default: selector
        }
    }

    func emit(into text: inout SourceText) {
        text.documentation(union.documentation)
        text.block("public struct \(union.name): WireValue, Hashable") { text in
            body(&text)
            text.line("public var header: \(union.header)")
            text.line("/// Must be the variant that `\(selector)` announces.")
            text.line("public var body: Body")
            text.line()
            text.block("public init(header: \(union.header), body: Body)") { text in
                text.line("self.header = header")
                text.line("self.body = body")
            }
            text.line()
            text.line("public static var minimumWireSize: Int { \(schema.layouts[union.name]?.minimum ?? 0) }")
            text.line()
            decoding(&text)
            encoding(&text)
            size(&text)
        }
        text.line()
    }

    private func body(_ text: inout SourceText) {
        text.line("/// What follows the header.")
        text.block("public enum Body: Hashable, Sendable") { text in
            for variant in union.variants { text.line("case \(variant.name)(\(variant.type))") }
        }
        text.line()
    }

    private func decoding(_ text: inout SourceText) {
        text.block("public init(from reader: inout WireReader) throws(DecodeError)") { text in
            text.line("header = try \(union.header)(from: &reader)")
            text.block("switch \(selectorValue)") { text in
                for value in union.refused { text.line("case \(value): throw .invalidVariant") }
                for variant in union.variants {
                    let label = variant.selector.map { "case \($0)" } ?? "default"
                    text.line("\(label): body = .\(variant.name)(try \(variant.type)(from: &reader))")
                }
            }
        }
        text.line()
    }

    private func encoding(_ text: inout SourceText) {
        let selected = union.variants.compactMap(\.selector)
        text.block("public func encode(into writer: inout WireWriter) throws(EncodeError)") { text in
            text.line("try header.encode(into: &writer)")
            text.block("switch (\(selectorValue), body)") { text in
                for value in union.refused { text.line("case (\(value), _): throw .inconsistentVariant") }
                for variant in union.variants {
                    let others = selected.map { "\(selectorValue) != \($0)" }.joined(separator: " && ")
                    let label =
                        variant.selector.map { "case (\($0), .\(variant.name)(let value))" }
                        ?? "case (_, .\(variant.name)(let value)) where \(others)"
                    text.line("\(label): try value.encode(into: &writer)")
                }
                text.line("default: throw .inconsistentVariant")
            }
        }
        text.line()
    }

    private func size(_ text: inout SourceText) {
        text.block("public var encodedSize: Int") { text in
            text.block("switch body") { text in
                for variant in union.variants {
                    text.line("case .\(variant.name)(let value): header.encodedSize &+ value.encodedSize")
                }
            }
        }
    }
}
