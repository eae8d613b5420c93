// What all schema files say together, with every name looked up.

/// A type as the emitters need it.
package indirect enum SchemaType: Equatable {
    /// `u8` to `u64`, in bytes.
    case integer(Int)
    case boolean
    /// A byte string with a length of one byte.
    case bytes
    /// A byte string with a length of two bytes.
    case blob
    /// A byte string with a length of four bytes.
    case bulk
    case value(String, Scalar, isChecked: Bool)
    /// A structure, request, response or union.
    case structure(String)
    case list(SchemaType)
}

package struct Field: Equatable {
    package var documentation: [String]
    package var name: String
    package var type: SchemaType
}

/// A structure, request or response.
package struct Structure: Equatable {
    package var documentation: [String]
    package var name: String
    package var fields: [Field]
    package var hasView: Bool
}

package struct Variant: Equatable {
    package var selector: UInt64?
    package var name: String
    package var type: String
}

package struct Union: Equatable {
    package var documentation: [String]
    package var name: String
    package var header: String
    package var selectorField: Field
    package var refused: [UInt64]
    package var variants: [Variant]
}

package struct Call: Equatable {
    package var documentation: [String]
    /// As in the protocol: `ADD_SPAN_INITIATE`.
    package var name: String
    package var kind: UInt64
    package var access: Access?
    package var request: Structure
    package var response: Structure

    /// As a Swift type begins: `AddSpanInitiate`.
    package var typeName: String { upperCamel(name) }
    /// As an enumeration's case: `addSpanInitiate`.
    package var caseName: String { lowerCamel(name) }
}

/// The declarations of one file.
package struct SchemaFile: Equatable {
    package var path: String
    package var service: String?
    package var calls: [Call]
    package var structures: [Structure]
    package var unions: [Union]
    package var errors: [ErrorSyntax]
}

package struct Schema: Equatable {
    package var files: [SchemaFile]
    package var values: [ValueSyntax]
    /// Sizes of structures, requests, responses and unions by name.
    package var layouts: [String: Layout]
    /// Names of the structures that need a view, because they or something around them asks for one.
    package var viewed: Set<String>
}

/// How many bytes a type takes.
package struct Layout: Equatable {
    package var minimum: Int
    package var isFixed: Bool
    /// Whether some encodings of the right size are refused.
    package var isChecked: Bool
}

/// `ADD_SPAN_INITIATE` as `AddSpanInitiate`.
package func upperCamel(_ name: String) -> String {
    name.split(separator: "_").map { $0.prefix(1) + $0.dropFirst().lowercased() }.joined()
}

/// `ADD_SPAN_INITIATE` as `addSpanInitiate`.
package func lowerCamel(_ name: String) -> String {
    let camel = upperCamel(name)
    return camel.prefix(1).lowercased() + camel.dropFirst()
}
