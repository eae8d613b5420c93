extension SchemaType {
    /// The type of a field that owns its value.
    var swiftName: String {
        switch self {
        case .integer(let bytes): "UInt\(bytes * 8)"
        case .boolean: "Bool"
        case .bytes, .blob, .bulk: "[UInt8]"
        case .value(let name, _, _), .structure(let name): name
        case .list(let element): "[\(element.swiftName)]"
        }
    }

    func layout(in schema: Schema) -> Layout {
        switch self {
        case .integer(let bytes): Layout(minimum: bytes, isFixed: true, isChecked: false)
        case .boolean: Layout(minimum: 1, isFixed: true, isChecked: false)
        case .bytes: Layout(minimum: 1, isFixed: false, isChecked: false)
        case .blob, .list: Layout(minimum: 2, isFixed: false, isChecked: false)
        case .bulk: Layout(minimum: 4, isFixed: false, isChecked: false)
        case .value(_, let scalar, let isChecked): Layout(minimum: scalar.size, isFixed: true, isChecked: isChecked)
        case .structure(let name): schema.layouts[name] ?? Layout(minimum: 0, isFixed: false, isChecked: true)
        }
    }
}

/// Neighbouring fields of a structure that are decoded and encoded together.
enum Segment {
    /// Fields of fixed size: one bounds check for all of them.
    case run(number: Int, size: Int, fields: [(field: Field, offset: Int)])
    case variable(Field)

    static func segments(of structure: Structure, in schema: Schema) -> [Segment] {
        var segments: [Segment] = []
        var run: [(field: Field, offset: Int)] = []
        var size = 0
        var number = 0
        func close() {
            guard !run.isEmpty else { return }
            segments.append(.run(number: number, size: size, fields: run))
            number += 1
            run = []
            size = 0
        }
        for field in structure.fields {
            let layout = field.type.layout(in: schema)
            if layout.isFixed {
                run.append((field, size))
                size += layout.minimum
            } else {
                close()
                segments.append(.variable(field))
            }
        }
        close()
        return segments
    }
}

/// `base` or `base + offset`.
func address(_ base: String, _ offset: Int) -> String {
    offset == 0 ? base : "\(base) + \(offset)"
}
