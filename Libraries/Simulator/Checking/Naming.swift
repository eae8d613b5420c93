import Protocol
import ShardCore

/// What a request says of the attributes of a file that it gives a name.
struct Naming {
    var file: InodeID
    var inherits = true
    var keepsPrivileges = false
    var otherwise = InodeOwnership.default
    /// Of the file that alone gives it anything; null: whichever has the name.
    var number = InodeID.null
    var kind = SpecialFileKind.none
    var device: UInt64 = 0
    var change = InodeAttributeChange.nothing
}

extension ShardLogEntry.Action {
    /// Nil: it names no new file.
    var naming: Naming? {
        switch self {
        case .publish(let request, _): Naming(file: request.fileId)
        case .publishWithAttributes(let request, _):
            Naming(
                file: request.publication.fileId, inherits: request.inherits,
                keepsPrivileges: request.keepsPrivileges, otherwise: request.otherwise,
                number: request.publication.number, kind: request.kind, device: request.device,
                change: request.change)
        case .request(.linkFile(let request)): Naming(file: request.fileId)
        case .request(.linkFileWithSpan(let request)): Naming(file: request.fileId)
        case .request(.linkFileIfUnchanged(let request)): Naming(file: request.fileId)
        default: nil
        }
    }

    /// Whether it made the next version of a file: the one whose number it gives.
    func hasItsNumber(_ reply: ShardReply) -> Bool {
        guard case .response(let response) = reply else { return false }
        switch (self, response) {
        case (.publish(let request, _), .publishFile(let done)):
            return !request.number.isNull && done.number == request.number
        case (.publishWithAttributes(let request, _), .publishFileWithAttributes(let done)):
            return !request.publication.number.isNull && done.number == request.publication.number
        default: return false
        }
    }
}
