/// Writes a structure, request or response that owns its values.
struct StructureEmitter {
    let schema: Schema
    let structure: Structure
    /// Protocols besides the encoding's.
    var conformances: [String] = []
    /// Members that only a request has.
    var members: (inout SourceText) -> Void = { _ in }

    private var layout: Layout { schema.layouts[structure.name] ?? Layout(minimum: 0, isFixed: true, isChecked: false) }

    func emit(into text: inout SourceText) {
        let coding = layout.isFixed ? "FixedWireValue" : "WireValue"
        text.documentation(structure.documentation)
        let inherited = ([coding] + conformances + ["Hashable"]).joined(separator: ", ")
        text.block("public struct \(structure.name): \(inherited)") { text in
            for field in structure.fields {
                text.documentation(field.documentation)
                text.line("public var \(field.name): \(field.type.swiftName)")
            }
            if !structure.fields.isEmpty { text.line() }
            initializer(&text)
            members(&text)
            if layout.isFixed {
                fixedCoding(&text)
            } else {
                decoding(&text)
                encoding(&text)
                size(&text)
            }
        }
        text.line()
    }

    private func initializer(_ text: inout SourceText) {
        let parameters = structure.fields.map { "\($0.name): \($0.type.swiftName)" }.joined(separator: ", ")
        text.line("@inlinable")
        text.block("public init(\(parameters))") { text in
            for field in structure.fields { text.line("self.\(field.name) = \(field.name)") }
        }
        text.line()
    }

    // MARK: Fixed size

    private func fixedCoding(_ text: inout SourceText) {
        text.line("@inlinable public static var wireSize: Int { \(layout.minimum) }")
        text.line()
        let runs = Segment.segments(of: structure, in: schema)
        text.line("@inlinable")
        text.block("public init(loading bytes: UnsafeRawPointer)") { text in
            for case .run(_, _, let fields) in runs {
                for (field, offset) in fields {
                    text.line("\(field.name) = \(field.type.swiftName)(loading: \(address("bytes", offset)))")
                }
            }
        }
        text.line()
        text.line("@inlinable")
        text.block("public func store(to bytes: UnsafeMutableRawPointer)") { text in
            for case .run(_, _, let fields) in runs {
                for (field, offset) in fields { text.line("\(field.name).store(to: \(address("bytes", offset)))") }
            }
        }
        let checks = checkedFields(structure.fields).map { "\($0.name).isValidOnWire" }
        if !checks.isEmpty {
            text.line()
            text.line("@inlinable public var isValidOnWire: Bool { \(checks.joined(separator: " && ")) }")
        }
    }

    private func checkedFields(_ fields: [Field]) -> [Field] {
        fields.filter { $0.type.layout(in: schema).isFixed && $0.type.layout(in: schema).isChecked }
    }

    // MARK: Variable size

    private func decoding(_ text: inout SourceText) {
        text.line("@inlinable public static var minimumWireSize: Int { \(layout.minimum) }")
        text.line()
        text.line("@inlinable")
        text.block("public init(from reader: inout WireReader) throws(DecodeError)") { text in
            for segment in Segment.segments(of: structure, in: schema) {
                switch segment {
                case .run(let number, let size, let fields):
                    text.line("let run\(number) = try reader.take(\(size))")
                    for (field, offset) in fields {
                        let place = address("run\(number)", offset)
                        text.line("\(field.name) = \(field.type.swiftName)(loading: \(place))")
                    }
                    let checks = checkedFields(fields.map(\.field)).map { "\($0.name).isValidOnWire" }
                    if !checks.isEmpty {
                        text.line("guard \(checks.joined(separator: ", ")) else { throw .invalidValue }")
                    }
                case .variable(let field):
                    text.line("\(field.name) = try \(Self.read(field.type))")
                }
            }
        }
        text.line()
    }

    private static func read(_ type: SchemaType) -> String {
        switch type {
        case .bytes: "reader.bytes()"
        case .blob: "reader.blob()"
        case .bulk: "reader.bulk()"
        case .list(let element): "reader.list(of: \(element.swiftName).self)"
        default: "\(type.swiftName)(from: &reader)"
        }
    }

    private func encoding(_ text: inout SourceText) {
        text.line("@inlinable")
        text.block("public func encode(into writer: inout WireWriter) throws(EncodeError)") { text in
            for segment in Segment.segments(of: structure, in: schema) {
                switch segment {
                case .run(let number, let size, let fields):
                    text.line("let run\(number) = try writer.take(\(size))")
                    for (field, offset) in fields {
                        text.line("\(field.name).store(to: \(address("run\(number)", offset)))")
                    }
                case .variable(let field):
                    text.line(Self.write(field))
                }
            }
        }
        text.line()
    }

    private static func write(_ field: Field) -> String {
        switch field.type {
        case .bytes: "try writer.bytes(\(field.name))"
        case .blob: "try writer.blob(\(field.name))"
        case .bulk: "try writer.bulk(\(field.name))"
        case .list: "try writer.list(\(field.name))"
        default: "try \(field.name).encode(into: &writer)"
        }
    }

    private func size(_ text: inout SourceText) {
        var constant = 0
        var terms: [String] = []
        for field in structure.fields {
            let layout = field.type.layout(in: schema)
            if layout.isFixed {
                constant += layout.minimum
                continue
            }
            switch field.type {
            case .bytes, .blob, .bulk:
                constant += layout.minimum
                terms.append("\(field.name).count")
            case .list(let element) where element.layout(in: schema).isFixed:
                constant += layout.minimum
                terms.append("\(field.name).count &* \(element.layout(in: schema).minimum)")
            case .list:
                constant += layout.minimum
                terms.append("\(field.name).reduce(0) { $0 &+ $1.encodedSize }")
            default:
                terms.append("\(field.name).encodedSize")
            }
        }
        if constant > 0 { terms.insert(String(constant), at: 0) }
        text.line("@inlinable public var encodedSize: Int { \(terms.joined(separator: " &+ ")) }")
    }
}
