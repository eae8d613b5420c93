import SchemaLanguage
import Testing

/// A mistake in a schema is reported with its place and what was expected.
@Suite(.timeLimit(.minutes(1)))
struct DiagnosticTests {
    /// What compiling `text` as `shard.schema` complains about.
    private func complaint(_ text: String) -> String? {
        do throws(Diagnostic) {
            _ = try Resolver.resolve([try Parser.parse(text, path: "proto/shard.schema")])
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        ("struct A { a u8 }", "1:14: error: found 'u8', expected ':' and the type after the field's name"),
        ("struct A { a: u8 b: u8 }",
            "1:18: error: found 'b', expected ',' before the next field or '}' after the last"),
        ("struct A { a: u8", "1:17: error: found the end of the file, expected ',' before the next field or '}' "
            + "after the last"),
        ("struct A { a: list u8 }", "1:20: error: found 'u8', expected '<' and the elements' type after 'list'"),
        ("struct a { }", "1:8: error: found 'a', expected the structure's name with a capital first"),
        ("struct A { B: u8 }",
            "1:12: error: found 'B', expected a field's name, or '}' after the fields with a small letter first"),
        ("\n  message A {}", "2:3: error: found 'message', expected 'service', 'rpc', 'struct', 'union', 'value', "
            + "'alias' or 'errors'"),
        ("/// nothing follows",
            "1:20: error: found the end of the file, expected a declaration after its documentation"),
        ("struct A { a: u8 } ;", "1:20: error: unexpected character ';', expected a declaration"),
        ("struct A / {}", "1:10: error: unexpected '/', expected '//' or '///' before a comment"),
        ("rpc A = 1 { request {} response {} }",
            "1:1: error: found 'rpc', expected 'service NAME' before the first one"),
        ("service S\nservice T", "2:1: error: a second 'service', expected at most one in a file"),
        ("service S rpc Look = 1 { request {} response {} }",
            "1:15: error: found 'Look', expected the message's name in capitals, such as LOOKUP"),
        ("service S rpc A = 0x1G { request {} response {} }",
            "1:19: error: '0x1G' is not a number, expected one like 10 or 0x0A up to 64 bits"),
        ("service S rpc A = 300 { request {} response {} }",
            "1:19: error: 300 is too large, expected a kind's number up to 254"),
        ("service S rpc A = 0 { request {} response {} }",
            "1:15: error: kind 0 is the error response, expected 1...254"),
        ("service S rpc A = 1 reads { request {} response {} }", "1:21: error: found 'reads', expected '{' or one of "
            + "'read', 'write', 'privileged', 'kernel' after the kind's number"),
        ("service S rpc A = 1 { response {} }", "1:23: error: found 'response', expected 'request' and its fields"),
        ("value A: u7", "1:10: error: unknown encoding 'u7', expected 'u8', 'u16', 'u32', 'u64' or 'fixed[N]'"),
        ("errors { a = 1 }", "1:10: error: found 'a', expected an error's name in capitals, or '}'"),
    ])
    func syntax(_ text: String, _ expected: String) {
        #expect(complaint(text) == "proto/shard.schema:\(expected)")
    }

    @Test(arguments: [
        ("struct A {\n    a: Inode,\n}", "2:8: error: unknown type 'Inode', expected u8, u16, u32, u64, bool, bytes, "
            + "blob, bulk, list<…> or a declared type"),
        ("struct A { a: u8, a: u16 }", "1:19: error: a second field 'a', expected another name"),
        ("struct A {} struct A {}",
            "1:20: error: 'A' is declared already at proto/shard.schema:1, expected another name"),
        ("struct LookupRequest {} service S rpc LOOKUP = 1 { request {} response {} }", "1:39: error: "
            + "'LookupRequest' is declared already at proto/shard.schema:1, expected another name"),
        ("struct A { b: B } struct B { a: list<A> }", "1:8: error: 'A' contains itself, expected a finite size"),
        ("service S rpc A = 1 { request {} response {} } rpc B = 1 { request {} response {} }",
            "1:52: error: kind 1 belongs to A already, expected an unused number"),
        ("errors { A = 10 B = 10 }", "1:17: error: code 10 belongs to A already, expected an unused number"),
        ("struct H { t: u16 } struct I {} union U { header: H body by t { case else i: I } }",
            "1:61: error: expected a field of one byte of 'H'"),
        ("struct H { t: u8 } struct I {} union U { header: H body by t { case 1 i: I } }",
            "1:38: error: expected exactly one 'case else', as the last variant"),
        ("value V: u8 union U { header: V body by t { case else i: V } }",
            "1:31: error: 'V' is not a struct, expected one"),
        ("""
            struct H { t: u8 } struct I {} union U { header: H body by t { case else i: I } }
            struct A view { u: U, b: bytes }
            """, "1:38: error: the union 'U' stands inside something with a view, expected a struct"),
    ])
    func meaning(_ text: String, _ expected: String) {
        #expect(complaint(text)?.hasPrefix("proto/shard.schema:\(expected)") == true, "\(complaint(text) ?? "nothing")")
    }

    @Test func everyPrefixIsRefusedOrUnderstood() {
        // No prefix of a schema, nor one with a character replaced, may trap.
        let text = Array(GoldenTests.schema)
        for length in stride(from: 0, through: text.count, by: 3) {
            _ = complaint(String(text[..<length]))
            guard length < text.count else { continue }
            for replacement in ["}", "<", "é"] {
                var damaged = text
                damaged[length] = Character(replacement)
                _ = complaint(String(damaged))
            }
        }
    }
}
