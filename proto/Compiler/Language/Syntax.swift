// What a schema file says, before names are looked up.

/// A name that was written somewhere, with the place for messages about it.
package struct Name: Equatable {
    package var text: String
    package var location: SourceLocation
}

/// A field's type as written.
package indirect enum TypeSyntax: Equatable {
    case named(Name)
    case list(TypeSyntax)
}

package struct FieldSyntax: Equatable {
    package var documentation: [String]
    package var name: Name
    package var type: TypeSyntax
}

/// The fields between two braces.
package struct FieldsSyntax: Equatable {
    package var fields: [FieldSyntax] = []
    /// Whether a view that decodes on access is wanted, too.
    package var hasView = false
}

/// Who may send a request and what it does to the state; only the shard's requests say so.
package enum Access: String, CaseIterable, Equatable {
    case read, write, privileged
}

/// A request and its response.
package struct CallSyntax: Equatable {
    package var documentation: [String]
    package var name: Name
    package var kind: UInt64
    package var access: Access?
    /// Whether the kernel client sends it.
    package var isSentByKernel: Bool
    package var request: FieldsSyntax
    package var response: FieldsSyntax
}

package struct StructureSyntax: Equatable {
    package var documentation: [String]
    package var name: Name
    package var fields: FieldsSyntax
}

/// One variant of a union's body.
package struct VariantSyntax: Equatable {
    /// The header field's value that selects it; nil: every value not mentioned.
    package var selector: UInt64?
    package var name: Name
    package var type: Name
}

/// A header and a body whose type a field of the header tells.
package struct UnionSyntax: Equatable {
    package var documentation: [String]
    package var name: Name
    package var header: Name
    package var selectorField: Name
    package var refused: [UInt64]
    package var variants: [VariantSyntax]
}

/// The primitive encoding of a value type.
package enum Scalar: Equatable {
    case integer(bytes: Int)
    case bytes(Int)

    package var size: Int {
        switch self {
        case .integer(let bytes), .bytes(let bytes): bytes
        }
    }
}

/// A type written by hand in Libraries/Protocol.
package struct ValueSyntax: Equatable {
    package var documentation: [String]
    package var name: Name
    package var scalar: Scalar
    /// Whether some encodings are refused.
    package var isChecked: Bool
}

/// Another name for a type.
package struct AliasSyntax: Equatable {
    package var name: Name
    package var type: TypeSyntax
}

package struct ErrorSyntax: Equatable {
    package var documentation: [String]
    package var name: Name
    package var code: UInt64
}

/// One schema file.
package struct FileSyntax: Equatable {
    package var path: String
    package var service: Name?
    package var calls: [CallSyntax] = []
    package var structures: [StructureSyntax] = []
    package var unions: [UnionSyntax] = []
    package var values: [ValueSyntax] = []
    package var aliases: [AliasSyntax] = []
    package var errors: [ErrorSyntax] = []
}
