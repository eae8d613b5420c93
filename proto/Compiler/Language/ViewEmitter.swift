/// Writes the view of a structure: checked once, decoded on access, nothing copied or allocated.
struct ViewEmitter {
    let schema: Schema
    let structure: Structure

    private var segments: [Segment] { Segment.segments(of: structure, in: schema) }

    func emit(into text: inout SourceText) {
        text.line("/// A `\(structure.name)` that stays where it was received; see `WireView`.")
        text.block("public struct \(structure.name)View: WireView") { text in
            for segment in segments {
                switch segment {
                case .run(let number, _, _): text.line("@usableFromInline let run\(number): UnsafeRawPointer")
                case .variable(let field):
                    text.documentation(field.documentation)
                    text.line("public let \(field.name): \(viewType(field.type))")
                }
            }
            text.line()
            accessors(&text)
            text.line("@inlinable")
            text.block("public init(from reader: inout WireReader) throws(DecodeError)") { text in
                for segment in segments { read(segment, &text) }
            }
            text.line()
            owned(&text)
        }
        text.line()
    }

    private func owned(_ text: inout SourceText) {
        let arguments = structure.fields.map { field in
            let value =
                switch field.type {
                case _ where field.type.layout(in: schema).isFixed: field.name
                case .bytes, .blob, .bulk: "[UInt8](\(field.name))"
                case .list(let element) where element.layout(in: schema).isFixed: "Array(\(field.name))"
                case .list: "\(field.name).map(\\.owned)"
                default: "\(field.name).owned"
                }
            return "\(field.name): \(value)"
        }
        text.line("/// A copy that may outlive the memory.")
        text.line("public var owned: \(structure.name) { \(structure.name)(\(arguments.joined(separator: ", "))) }")
    }

    private func accessors(_ text: inout SourceText) {
        for case .run(let number, _, let fields) in segments {
            for (field, offset) in fields {
                let type = field.type.swiftName
                let place = address("run\(number)", offset)
                text.documentation(field.documentation)
                text.line("@inlinable public var \(field.name): \(type) { \(type)(loading: \(place)) }")
            }
        }
        text.line()
    }

    private func viewType(_ type: SchemaType) -> String {
        switch type {
        case .bytes, .blob, .bulk: "UnsafeRawBufferPointer"
        case .list(let element) where element.layout(in: schema).isFixed: "FixedWireList<\(element.swiftName)>"
        case .list(let element): "WireList<\(viewType(element))>"
        default: "\(type.swiftName)View"
        }
    }

    private func read(_ segment: Segment, _ text: inout SourceText) {
        switch segment {
        case .run(let number, let size, let fields):
            text.line("run\(number) = try reader.take(\(size))")
            for (field, offset) in fields where field.type.layout(in: schema).isChecked {
                let value = "\(field.type.swiftName)(loading: \(address("run\(number)", offset)))"
                text.line("guard \(value).isValidOnWire else { throw .invalidValue }")
            }
        case .variable(let field):
            switch field.type {
            case .bytes: text.line("\(field.name) = try reader.bytesView()")
            case .blob: text.line("\(field.name) = try reader.blobView()")
            case .bulk: text.line("\(field.name) = try reader.bulkView()")
            case .list(let element) where element.layout(in: schema).isFixed:
                text.line("\(field.name) = try reader.fixedList(of: \(element.swiftName).self)")
                if element.layout(in: schema).isChecked {
                    text.line("guard \(field.name).isValidOnWire else { throw .invalidValue }")
                }
            default: text.line("\(field.name) = try \(viewType(field.type))(from: &reader)")
            }
        }
    }
}
