/// Looks up every name of a set of files and checks what a single file cannot tell.
package struct Resolver {
    private enum Declaration {
        case value(ValueSyntax)
        case alias(AliasSyntax)
        case structure(FieldsSyntax)
        case union(UnionSyntax)
    }

    private var declarations: [String: Declaration] = [:]
    private var places: [String: SourceLocation] = [:]
    private var layouts: [String: Layout] = [:]
    private var underway: Set<String> = []

    /// The schema that the files make up together.
    package static func resolve(_ files: [FileSyntax]) throws(Diagnostic) -> Schema {
        var resolver = Resolver()
        for file in files { try resolver.declare(file) }
        var schemaFiles: [SchemaFile] = []
        for file in files { schemaFiles.append(try resolver.resolve(file)) }
        return Schema(
            files: schemaFiles, values: files.flatMap(\.values), layouts: resolver.layouts,
            viewed: try resolver.viewed(in: schemaFiles))
    }

    // MARK: Declaring

    private mutating func declare(_ name: Name, _ declaration: Declaration) throws(Diagnostic) {
        if let first = places[name.text] {
            throw Diagnostic(
                location: name.location,
                message: "'\(name.text)' is declared already at \(first.file):\(first.line), expected another name")
        }
        places[name.text] = name.location
        declarations[name.text] = declaration
    }

    private mutating func declare(_ file: FileSyntax) throws(Diagnostic) {
        for value in file.values { try declare(value.name, .value(value)) }
        for alias in file.aliases { try declare(alias.name, .alias(alias)) }
        for structure in file.structures { try declare(structure.name, .structure(structure.fields)) }
        for union in file.unions { try declare(union.name, .union(union)) }
        for call in file.calls {
            let name = upperCamel(call.name.text)
            try declare(Name(text: name + "Request", location: call.name.location), .structure(call.request))
            try declare(Name(text: name + "Response", location: call.name.location), .structure(call.response))
        }
        try refuseRepeated(file.calls.map { ($0.kind, $0.name) }, what: "kind")
        try refuseRepeated(file.errors.map { ($0.code, $0.name) }, what: "code")
    }

    private func refuseRepeated(_ numbers: [(UInt64, Name)], what: String) throws(Diagnostic) {
        var seen: [UInt64: Name] = [:]
        for (number, name) in numbers {
            if let first = seen.updateValue(name, forKey: number) {
                throw Diagnostic(
                    location: name.location,
                    message: "\(what) \(number) belongs to \(first.text) already, expected an unused number")
            }
        }
    }

    // MARK: Looking up

    private func type(_ syntax: TypeSyntax) throws(Diagnostic) -> SchemaType {
        switch syntax {
        case .list(let element): return .list(try type(element))
        case .named(let name): return try type(named: name)
        }
    }

    private func type(named name: Name) throws(Diagnostic) -> SchemaType {
        switch name.text {
        case "u8": return .integer(1)
        case "u16": return .integer(2)
        case "u32": return .integer(4)
        case "u64": return .integer(8)
        case "bool": return .boolean
        case "bytes": return .bytes
        case "blob": return .blob
        case "bulk": return .bulk
        default: break
        }
        switch declarations[name.text] {
        case .value(let value): return .value(value.name.text, value.scalar, isChecked: value.isChecked)
        case .alias(let alias):
            guard case .named(let target) = alias.type, case .alias? = declarations[target.text] else {
                return try type(alias.type)
            }
            throw Diagnostic(location: target.location, message: "found the alias '\(target.text)', expected a type")
        case .structure, .union: return .structure(name.text)
        case nil:
            throw Diagnostic(
                location: name.location,
                message: "unknown type '\(name.text)', expected u8, u16, u32, u64, bool, bytes, blob, bulk, list<…> or "
                    + "a declared type")
        }
    }

    private func fields(_ syntax: FieldsSyntax) throws(Diagnostic) -> [Field] {
        var seen: Set<String> = []
        var fields: [Field] = []
        for field in syntax.fields {
            guard seen.insert(field.name.text).inserted else {
                throw Diagnostic(
                    location: field.name.location,
                    message: "a second field '\(field.name.text)', expected another name")
            }
            fields.append(
                Field(documentation: field.documentation, name: field.name.text, type: try type(field.type)))
        }
        return fields
    }

    private mutating func structure(
        _ name: String, _ documentation: [String], _ syntax: FieldsSyntax
    ) throws(Diagnostic) -> Structure {
        _ = try layout(of: name)
        return Structure(
            documentation: documentation, name: name, fields: try fields(syntax), hasView: syntax.hasView)
    }

    private mutating func resolve(_ file: FileSyntax) throws(Diagnostic) -> SchemaFile {
        var result = SchemaFile(
            path: file.path, service: file.service?.text, calls: [], structures: [], unions: [], errors: file.errors)
        for syntax in file.structures {
            result.structures.append(try structure(syntax.name.text, syntax.documentation, syntax.fields))
        }
        for syntax in file.unions { result.unions.append(try union(syntax)) }
        for syntax in file.calls {
            let name = upperCamel(syntax.name.text)
            result.calls.append(
                Call(
                    documentation: syntax.documentation, name: syntax.name.text, kind: syntax.kind,
                    access: syntax.access,
                    request: try structure(name + "Request", syntax.documentation, syntax.request),
                    response: try structure(
                        name + "Response", ["The answer to `\(name)Request`."], syntax.response)))
        }
        return result
    }

    private mutating func union(_ syntax: UnionSyntax) throws(Diagnostic) -> Union {
        _ = try layout(of: syntax.name.text)
        guard case .structure(let header)? = declarations[syntax.header.text] else {
            throw Diagnostic(
                location: syntax.header.location,
                message: "'\(syntax.header.text)' is not a struct, expected one as header")
        }
        let selector = try fields(header).first { $0.name == syntax.selectorField.text }
        guard let selector, layout(of: selector.type)?.minimum == 1 else {
            throw Diagnostic(
                location: syntax.selectorField.location,
                message: "expected a field of one byte of '\(syntax.header.text)'")
        }
        guard syntax.variants.last?.selector == nil, syntax.variants.filter({ $0.selector == nil }).count == 1 else {
            throw Diagnostic(
                location: syntax.name.location, message: "expected exactly one 'case else', as the last variant")
        }
        return Union(
            documentation: syntax.documentation, name: syntax.name.text, header: syntax.header.text,
            selectorField: selector, refused: syntax.refused,
            variants: syntax.variants.map {
                Variant(selector: $0.selector, name: $0.name.text, type: $0.type.text)
            })
    }
}

// MARK: - Layouts

extension Resolver {
    /// The layout of a type that is not a structure, or of a structure that has been laid out.
    private func layout(of type: SchemaType) -> Layout? {
        switch type {
        case .integer(let bytes): Layout(minimum: bytes, isFixed: true, isChecked: false)
        case .boolean: Layout(minimum: 1, isFixed: true, isChecked: false)
        case .bytes: Layout(minimum: 1, isFixed: false, isChecked: false)
        case .blob, .list: Layout(minimum: 2, isFixed: false, isChecked: false)
        case .bulk: Layout(minimum: 4, isFixed: false, isChecked: false)
        case .value(_, let scalar, let isChecked): Layout(minimum: scalar.size, isFixed: true, isChecked: isChecked)
        case .structure(let name): layouts[name]
        }
    }

    private mutating func layout(of name: String) throws(Diagnostic) -> Layout {
        if let known = layouts[name] { return known }
        let place = places[name] ?? SourceLocation(file: "?", line: 1, column: 1)
        guard underway.insert(name).inserted else {
            throw Diagnostic(location: place, message: "'\(name)' contains itself, expected a finite size")
        }
        defer { underway.remove(name) }
        var result = Layout(minimum: 0, isFixed: true, isChecked: false)
        switch declarations[name] {
        case .structure(let syntax):
            for field in try fields(syntax) { try add(field.type, to: &result) }
        case .union(let syntax):
            try add(try type(named: syntax.header), to: &result)
            var minimum = Int.max
            for variant in syntax.variants {
                var body = Layout(minimum: 0, isFixed: false, isChecked: false)
                try add(try type(named: variant.type), to: &body)
                minimum = min(minimum, body.minimum)
            }
            result = Layout(minimum: result.minimum + minimum, isFixed: false, isChecked: true)
        default:
            throw Diagnostic(location: place, message: "'\(name)' is not a struct, expected one")
        }
        layouts[name] = result
        return result
    }

    private mutating func add(_ type: SchemaType, to result: inout Layout) throws(Diagnostic) {
        var element = type
        while case .list(let inner) = element { element = inner }
        if case .structure(let name) = element { _ = try layout(of: name) }
        guard let part = layout(of: type) else { return }
        result.minimum += part.minimum
        result.isFixed = result.isFixed && part.isFixed
        result.isChecked = result.isChecked || part.isChecked
    }

    /// The structures with a view: those that ask for one, and what they contain unless it has a fixed size.
    private func viewed(in files: [SchemaFile]) throws(Diagnostic) -> Set<String> {
        var byName: [String: Structure] = [:]
        for file in files {
            let messages = file.calls.flatMap { [$0.request, $0.response] }
            for structure in file.structures + messages { byName[structure.name] = structure }
        }
        var viewed: Set<String> = []
        var pending = byName.values.filter(\.hasView).map(\.name).sorted()
        while let name = pending.popLast() {
            guard layouts[name]?.isFixed == false, viewed.insert(name).inserted else { continue }
            guard let structure = byName[name] else {
                throw Diagnostic(
                    location: places[name] ?? SourceLocation(file: "?", line: 1, column: 1),
                    message: "the union '\(name)' stands inside something with a view, expected a struct")
            }
            for field in structure.fields {
                var type = field.type
                while case .list(let element) = type { type = element }
                if case .structure(let inner) = type { pending.append(inner) }
            }
        }
        return viewed
    }
}
