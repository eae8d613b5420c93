/// The smallest piece of a schema that means something.
package struct Token: Equatable {
    package enum Kind: Equatable {
        case name(String)
        case integer(UInt64)
        case punctuation(Character)
        /// A line that begins with three slashes, without them.
        case documentation(String)
        case end
    }

    package var kind: Kind
    package var location: SourceLocation

    /// How the token is called in a message about it.
    package var shown: String {
        switch kind {
        case .name(let name): "'\(name)'"
        case .integer(let value): "'\(value)'"
        case .punctuation(let character): "'\(character)'"
        case .documentation: "a documentation comment"
        case .end: "the end of the file"
        }
    }
}

/// Cuts a schema into tokens; comments of two slashes are dropped.
struct Lexer {
    private let file: String
    private let characters: [Character]
    private var index = 0
    private var line = 1
    private var column = 1

    init(file: String, text: String) {
        self.file = file
        characters = Array(text)
    }

    /// All tokens up to and with the end of the file.
    static func tokens(of text: String, file: String) throws(Diagnostic) -> [Token] {
        var lexer = Lexer(file: file, text: text)
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private var location: SourceLocation { SourceLocation(file: file, line: line, column: column) }
    private var current: Character? { index < characters.count ? characters[index] : nil }

    private mutating func advance() {
        if characters[index].isNewline {
            line += 1
            column = 1
        } else {
            column += 1
        }
        index += 1
    }

    private mutating func text(while condition: (Character) -> Bool) -> String {
        var text = ""
        while let character = current, condition(character) {
            text.append(character)
            advance()
        }
        return text
    }

    private mutating func next() throws(Diagnostic) -> Token {
        while let character = current {
            let start = location
            if character.isWhitespace {
                advance()
            } else if character == "/" {
                if let documentation = try comment(at: start) { return documentation }
            } else if character.isASCII, character.isNumber {
                return Token(kind: .integer(try integer(at: start)), location: start)
            } else if character.isASCII, character.isLetter || character == "_" {
                let name = text { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
                return Token(kind: .name(name), location: start)
            } else if "{}[]<>:,=.".contains(character) {
                advance()
                return Token(kind: .punctuation(character), location: start)
            } else {
                throw Diagnostic(
                    location: start, message: "unexpected character '\(character)', expected a declaration")
            }
        }
        return Token(kind: .end, location: location)
    }

    private mutating func comment(at start: SourceLocation) throws(Diagnostic) -> Token? {
        let slashes = text { $0 == "/" }
        guard slashes.count >= 2 else {
            throw Diagnostic(location: start, message: "unexpected '/', expected '//' or '///' before a comment")
        }
        var line = text { !$0.isNewline }
        guard slashes.count == 3 else { return nil }
        if line.first == " " { line.removeFirst() }
        return Token(kind: .documentation(line), location: start)
    }

    private mutating func integer(at start: SourceLocation) throws(Diagnostic) -> UInt64 {
        let digits = text { $0.isASCII && ($0.isLetter || $0.isNumber) }
        let value =
            digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
        guard let value else {
            throw Diagnostic(
                location: start,
                message: "'\(digits)' is not a number, expected one like 10 or 0x0A up to 64 bits")
        }
        return value
    }
}
