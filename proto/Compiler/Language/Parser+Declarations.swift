extension Parser {
    mutating func service(into file: inout FileSyntax) throws(Diagnostic) {
        let keyword = take()
        guard file.service == nil else {
            throw Diagnostic(
                location: keyword.location, message: "a second 'service', expected at most one in a file")
        }
        file.service = try typeName("the service's name, such as Shard")
    }

    mutating func call(_ documentation: [String], in file: FileSyntax) throws(Diagnostic) -> CallSyntax {
        let keyword = take()
        guard file.service != nil else {
            throw Diagnostic(
                location: keyword.location, message: "found 'rpc', expected 'service NAME' before the first one")
        }
        let name = try upperName("the message's name in capitals, such as LOOKUP")
        try expect("=", "and the kind's number after the message's name")
        let kind = try integer("a kind's number", upTo: 254)
        guard kind != 0 else {
            throw Diagnostic(location: name.location, message: "kind 0 is the error response, expected 1...254")
        }
        var access: Access?
        if case .name(let word) = current.kind, let known = Access(rawValue: word) {
            access = known
            _ = take()
        }
        let isSentByKernel = skip(word: "kernel")
        try expect("{", "or one of 'read', 'write', 'privileged', 'kernel' after the kind's number")
        let request = try fields(after: "request")
        let response = try fields(after: "response")
        try expect("}", "after the response")
        return CallSyntax(
            documentation: documentation, name: name, kind: kind, access: access, isSentByKernel: isSentByKernel,
            request: request, response: response)
    }

    mutating func structure(_ documentation: [String]) throws(Diagnostic) -> StructureSyntax {
        _ = take()
        let name = try typeName("the structure's name")
        return StructureSyntax(documentation: documentation, name: name, fields: try fields())
    }

    mutating func union(_ documentation: [String]) throws(Diagnostic) -> UnionSyntax {
        _ = take()
        let name = try typeName("the union's name")
        try expect("{", "after the union's name")
        try expect(word: "header", "as the first member of a union")
        try expect(":", "after 'header'")
        let header = try typeName("the header's type")
        try expect(word: "body", "after the header's type")
        try expect(word: "by", "and the header's field that selects the variant")
        let selectorField = try lowerName("a field of the header")
        try expect("{", "before the variants")
        var refused: [UInt64] = []
        var variants: [VariantSyntax] = []
        while !skip("}") {
            if skip(word: "refuse") {
                refused.append(try integer("the value to refuse", upTo: 255))
            } else {
                variants.append(try variant())
            }
        }
        try expect("}", "after the variants")
        return UnionSyntax(
            documentation: documentation, name: name, header: header, selectorField: selectorField, refused: refused,
            variants: variants)
    }

    private mutating func variant() throws(Diagnostic) -> VariantSyntax {
        try expect(word: "case", "or 'refuse' or '}' among the variants")
        var selector: UInt64?
        if !skip(word: "else") {
            selector = try integer("the selecting value or 'else'", upTo: 255)
        }
        let name = try lowerName("the variant's name")
        try expect(":", "after the variant's name")
        return VariantSyntax(selector: selector, name: name, type: try typeName("the variant's type"))
    }

    mutating func value(_ documentation: [String]) throws(Diagnostic) -> ValueSyntax {
        _ = take()
        let name = try typeName("the value type's name")
        try expect(":", "and the encoding after the value type's name")
        let scalar = try scalar()
        return ValueSyntax(
            documentation: documentation, name: name, scalar: scalar, isChecked: skip(word: "checked"))
    }

    private mutating func scalar() throws(Diagnostic) -> Scalar {
        let expected = "'u8', 'u16', 'u32', 'u64' or 'fixed[N]'"
        let encoding = try name(expected)
        switch encoding.text {
        case "u8": return .integer(bytes: 1)
        case "u16": return .integer(bytes: 2)
        case "u32": return .integer(bytes: 4)
        case "u64": return .integer(bytes: 8)
        case "fixed":
            try expect("[", "after 'fixed'")
            let size = try integer("a size in bytes", upTo: 255)
            try expect("]", "after the size")
            return .bytes(Int(size))
        default:
            throw Diagnostic(
                location: encoding.location, message: "unknown encoding '\(encoding.text)', expected \(expected)")
        }
    }

    mutating func alias() throws(Diagnostic) -> AliasSyntax {
        _ = take()
        let name = try typeName("the alias's name")
        try expect("=", "after the alias's name")
        return AliasSyntax(name: name, type: try type())
    }

    mutating func errors() throws(Diagnostic) -> [ErrorSyntax] {
        _ = take()
        try expect("{", "after 'errors'")
        var errors: [ErrorSyntax] = []
        while true {
            let documentation = documentation()
            if documentation.isEmpty, skip("}") { return errors }
            let name = try upperName("an error's name in capitals, or '}'")
            try expect("=", "and the code after the error's name")
            let code = try integer("an error's code", upTo: UInt64(UInt16.max))
            errors.append(ErrorSyntax(documentation: documentation, name: name, code: code))
        }
    }
}

// MARK: - Fields

extension Parser {
    private mutating func fields(after keyword: String) throws(Diagnostic) -> FieldsSyntax {
        try expect(word: keyword, "and its fields")
        return try fields()
    }

    private mutating func fields() throws(Diagnostic) -> FieldsSyntax {
        var result = FieldsSyntax()
        result.hasView = skip(word: "view")
        try expect("{", "before the fields")
        while true {
            let documentation = documentation()
            if documentation.isEmpty, skip("}") { return result }
            let name = try lowerName("a field's name, or '}' after the fields")
            try expect(":", "and the type after the field's name")
            result.fields.append(FieldSyntax(documentation: documentation, name: name, type: try type()))
            if !skip(","), current.kind != .punctuation("}") {
                throw unexpected(current, expected: "',' before the next field or '}' after the last")
            }
        }
    }

    private mutating func type() throws(Diagnostic) -> TypeSyntax {
        let name = try name("a type")
        guard name.text == "list" else { return .named(name) }
        try expect("<", "and the elements' type after 'list'")
        let element = try type()
        try expect(">", "after the elements' type")
        return .list(element)
    }

    private mutating func typeName(_ what: String) throws(Diagnostic) -> Name {
        let name = try name(what)
        guard name.text.first?.isUppercase == true else {
            throw Diagnostic(
                location: name.location, message: "found '\(name.text)', expected \(what) with a capital first")
        }
        return name
    }

    private mutating func lowerName(_ what: String) throws(Diagnostic) -> Name {
        let name = try name(what)
        guard name.text.first?.isLowercase == true else {
            throw Diagnostic(
                location: name.location, message: "found '\(name.text)', expected \(what) with a small letter first")
        }
        return name
    }

    private mutating func upperName(_ what: String) throws(Diagnostic) -> Name {
        let name = try name(what)
        guard name.text.allSatisfy({ $0.isUppercase || $0.isNumber || $0 == "_" }) else {
            throw Diagnostic(location: name.location, message: "found '\(name.text)', expected \(what)")
        }
        return name
    }
}
