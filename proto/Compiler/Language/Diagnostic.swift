/// A place in a schema file; lines and columns count from 1.
package struct SourceLocation: Equatable, Sendable {
    package var file: String
    package var line: Int
    package var column: Int
}

/// What is wrong with a schema, where, and what should stand there. Formatted as compilers do, so that build tools
/// and editors find the place.
package struct Diagnostic: Error, Equatable, CustomStringConvertible {
    package var location: SourceLocation
    package var message: String

    package var description: String { "\(location.file):\(location.line):\(location.column): error: \(message)" }
}
