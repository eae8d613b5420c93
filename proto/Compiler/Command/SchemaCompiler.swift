import Glibc
import SchemaLanguage

/// Compiles all schema files together:
///
///     SchemaCompiler swift OUTPUT-DIRECTORY FILE.schema...   one FILE.swift for each FILE.schema
///     SchemaCompiler json  OUTPUT-FILE      FILE.schema...   conversion from JSON, for the conformance tests
@main
struct SchemaCompiler {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count >= 4, ["swift", "json"].contains(arguments[1]) else {
            fail("usage: SchemaCompiler swift DIRECTORY FILE... | SchemaCompiler json FILE.swift FILE...")
        }
        do {
            var files: [FileSyntax] = []
            for path in arguments[3...] { files.append(try Parser.parse(try readText(path), path: path)) }
            let schema = try Resolver.resolve(files)
            if arguments[1] == "json" {
                try writeText(JSONEmitter(schema: schema).source(), to: arguments[2])
                return
            }
            let emitter = SwiftEmitter(schema: schema)
            for file in schema.files {
                try writeText(emitter.source(for: file), to: "\(arguments[2])/\(baseName(file.path)).swift")
            }
        } catch {
            fail("\(error)")
        }
    }

    /// `shard` for `/somewhere/shard.schema`.
    private static func baseName(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        return String(name.split(separator: ".").first ?? name)
    }

    private static func fail(_ message: String) -> Never {
        print(message)
        exit(1)
    }
}
