import Protocol

/// Where the attributes come from that a file begins with when it gets its name.
struct FileBeginning {
    /// Whether ownership and extended attributes are those of the file that had the name.
    var inherits = true
    var special: AttributesRecord.Special?
    /// What its maker wants over that.
    var change = InodeAttributeChange.nothing

    /// As old clients have it, who say nothing about attributes: what was protected stays so.
    static let inherited = FileBeginning()
}

extension FileBeginning {
    init(_ request: PublishFileWithAttributesRequest) {
        inherits = request.inherits
        special = request.kind == .none
            ? nil : AttributesRecord.Special(kind: request.kind, device: request.device)
        change = request.change
    }
}
