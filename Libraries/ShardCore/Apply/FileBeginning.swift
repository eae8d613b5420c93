import Protocol

/// Where the attributes come from that a file begins with when it gets its name.
struct FileBeginning {
    /// Whether ownership and extended attributes are those of the file that had the name.
    var inherits = true
    /// Whether a program that runs with its owner's rights stays one: who says so has looked at who writes.
    var keepsPrivileges = true
    /// What it has if it inherits nothing.
    var otherwise = InodeOwnership.default
    /// Whether it inherits only from a version of the same file.
    var isVersion = false
    var special: AttributesRecord.Special?
    /// What its maker wants over that.
    var change = InodeAttributeChange.nothing

    /// As old clients have it, who say nothing about attributes: what was protected stays so.
    static let inherited = FileBeginning(keepsPrivileges: false)
}

extension FileBeginning {
    init(_ request: PublishFileWithAttributesRequest) {
        inherits = request.inherits
        keepsPrivileges = request.keepsPrivileges
        otherwise = request.otherwise
        isVersion = !request.publication.number.isNull
        special = request.kind == .none
            ? nil : AttributesRecord.Special(kind: request.kind, device: request.device)
        change = request.change
    }
}
