/// Reads a schema file. The grammar is in proto/README.md.
package struct Parser {
    var tokens: [Token]
    var index = 0

    /// Parses `text`; `path` is for messages and for naming the output.
    package static func parse(_ text: String, path: String) throws(Diagnostic) -> FileSyntax {
        var parser = Parser(tokens: try Lexer.tokens(of: text, file: path))
        return try parser.file(path: path)
    }

    private mutating func file(path: String) throws(Diagnostic) -> FileSyntax {
        var file = FileSyntax(path: path)
        while true {
            let documentation = documentation()
            let token = current
            if token.kind == .end {
                guard documentation.isEmpty else {
                    throw unexpected(token, expected: "a declaration after its documentation")
                }
                return file
            }
            switch token.kind {
            case .name("service"): try service(into: &file)
            case .name("rpc"): file.calls.append(try call(documentation, in: file))
            case .name("struct"): file.structures.append(try structure(documentation))
            case .name("union"): file.unions.append(try union(documentation))
            case .name("value"): file.values.append(try value(documentation))
            case .name("alias"): file.aliases.append(try alias())
            case .name("errors"): file.errors += try errors()
            default:
                throw unexpected(
                    token, expected: "'service', 'rpc', 'struct', 'union', 'value', 'alias' or 'errors'")
            }
        }
    }
}

// MARK: - Steps

extension Parser {
    var current: Token { tokens[index] }

    func unexpected(_ token: Token, expected: String) -> Diagnostic {
        Diagnostic(location: token.location, message: "found \(token.shown), expected \(expected)")
    }

    /// The current token; the last one, the end of the file, is never stepped over.
    mutating func take() -> Token {
        let token = current
        if index + 1 < tokens.count { index += 1 }
        return token
    }

    mutating func documentation() -> [String] {
        var lines: [String] = []
        while case .documentation(let line) = current.kind {
            lines.append(line)
            _ = take()
        }
        return lines
    }

    mutating func skip(_ character: Character) -> Bool {
        guard current.kind == .punctuation(character) else { return false }
        _ = take()
        return true
    }

    mutating func skip(word: String) -> Bool {
        guard current.kind == .name(word) else { return false }
        _ = take()
        return true
    }

    mutating func expect(_ character: Character, _ context: String) throws(Diagnostic) {
        guard skip(character) else { throw unexpected(current, expected: "'\(character)' \(context)") }
    }

    mutating func expect(word: String, _ context: String) throws(Diagnostic) {
        guard skip(word: word) else { throw unexpected(current, expected: "'\(word)' \(context)") }
    }

    mutating func name(_ what: String) throws(Diagnostic) -> Name {
        let token = current
        guard case .name(let text) = token.kind else { throw unexpected(token, expected: what) }
        _ = take()
        return Name(text: text, location: token.location)
    }

    mutating func integer(_ what: String, upTo limit: UInt64) throws(Diagnostic) -> UInt64 {
        let token = current
        guard case .integer(let value) = token.kind else { throw unexpected(token, expected: what) }
        guard value <= limit else {
            throw Diagnostic(
                location: token.location, message: "\(value) is too large, expected \(what) up to \(limit)")
        }
        _ = take()
        return value
    }
}
