/// Swift source under construction: lines with an indentation.
struct SourceText {
    private(set) var text = ""
    private var depth = 0

    mutating func line(_ line: String = "") {
        if !line.isEmpty {
            text += String(repeating: "    ", count: depth)
            text += line
        }
        text += "\n"
    }

    /// `head {`, what `body` writes one step further in, and `}`.
    mutating func block(_ head: String, _ body: (inout SourceText) -> Void) {
        line(head + " {")
        depth += 1
        body(&self)
        depth -= 1
        line("}")
    }

    mutating func documentation(_ lines: [String]) {
        for documentation in lines { line(documentation.isEmpty ? "///" : "/// \(documentation)") }
    }
}
