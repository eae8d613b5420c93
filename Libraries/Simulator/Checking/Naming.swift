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
        case .publishWithAttributes(let request, _, _):
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

    /// Whether it made the next version of the file that had the name. The number that it gives may also be that of a
    /// file that was given up.
    func makesNextVersion(of former: InodeID?, _ reply: ShardReply, _ core: ShardCore) -> Bool {
        guard let former, former.isFile else { return false }
        let (number, given): (InodeID, InodeID)
        switch (self, reply) {
        case (.publish(let request, _), .response(.publishFile(let done))):
            (number, given) = (request.number, done.number)
        case (.publishWithAttributes(let request, _, _), _):
            guard let done = reply.publication else { return false }
            (number, given) = (request.publication.number, done.number)
        default: return false
        }
        guard !number.isNull, given == number else { return false }
        return former.shard != core.shard || CoreReader(core).version(former)?.number == number
    }
}

extension ShardReply {
    /// Of a file that was published with its attributes.
    var publication: PublishFileWithAttributesResponse? {
        switch self {
        case .response(.publishFileWithAttributes(let done)): done
        case .response(.certifyAndPublish(let done)): done.publication
        default: nil
        }
    }
}
