import Protocol
import ShardCore

/// What every inode must have of owner, mode and extended attributes, worked out from what shards were asked: so they
/// stay with an inode wherever its names go, and are not lost when files replace each other.
final class AttributeWatch {
    struct Attributes: Equatable {
        var ownership = InodeOwnership.default
        var extended: [[UInt8]: [UInt8]] = [:]

        /// What a shard did not refuse.
        mutating func apply(_ change: InodeAttributeChange) {
            ownership = ownership.changed(by: change.ownership)
            for step in change.extended {
                extended[step.name] = step.operation.removes ? nil : step.value
            }
        }
    }

    private let world: World
    private var known: [InodeID: Attributes] = [:]
    /// What inodes had when they got their first name.
    private(set) var beginnings: [InodeID: Attributes] = [:]
    /// Requests that were carried out: copies that come late change nothing.
    private var changes: Set<RequestKey> = []

    init(_ world: World) { self.world = world }

    /// An entry was carried out.
    /// - Parameter former: what the name that the entry gives meant before.
    func note(_ entry: ShardLogEntry, _ reply: ShardReply, over former: InodeID?) {
        if let naming = entry.action.naming { return begin(naming, over: former, reply) }
        guard case .request(let request) = entry.action else { return }
        switch request {
        case .createDirectoryInode(let request): begin(request.id, Attributes())
        case .createDirectoryInodeWithAttributes(let request):
            var attributes = Attributes()
            attributes.apply(request.change)
            begin(request.creation.id, attributes)
        case .setAttributes(let request):
            guard isFirst(entry), case .response(.setAttributes(let done)) = reply else { return }
            known[done.id, default: Attributes()].apply(request.change)
        default: break
        }
    }

    /// The same of an entry that was carried out before its shard crashed, or only now.
    func learn(from entry: ShardLogEntry, _ reply: ShardReply, _ core: ShardCore) {
        if let file = entry.action.naming?.file, known[file] == nil, let found = CoreReader(core).attributes(of: file) {
            begin(file, found)
        }
        guard case .request(let request) = entry.action else { return }
        switch request {
        case .createDirectoryInode, .createDirectoryInodeWithAttributes: note(entry, reply, over: nil)
        case .setAttributes:
            guard isFirst(entry), case .response(.setAttributes(let done)) = reply else { return }
            known[done.id] = CoreReader(core).attributes(of: done.id)
        default: break
        }
    }

    private func isFirst(_ entry: ShardLogEntry) -> Bool {
        guard case .request(let key)? = entry.repetition else { return true }
        return changes.insert(key).inserted
    }

    private func begin(_ naming: Naming, over former: InodeID?, _ reply: ShardReply) {
        var attributes = Attributes(ownership: naming.otherwise)
        var isNext = true
        if !naming.number.isNull, case .response(.publishFileWithAttributes(let done)) = reply {
            isNext = done.number == naming.number
        }
        if naming.inherits, isNext, let former, former.type == .file, former.shard == naming.file.shard {
            attributes = known[former] ?? attributes
            if !naming.keepsPrivileges { attributes.ownership = attributes.ownership.withoutPrivileges }
        }
        attributes.apply(naming.change)
        begin(naming.file, attributes)
    }

    private func begin(_ id: InodeID, _ attributes: Attributes) {
        guard known[id] == nil else { return }
        known[id] = attributes
        beginnings[id] = attributes
    }

    /// A client was told that it made an inode with these.
    func promised(
        _ id: InodeID, _ change: InodeAttributeChange, inherits: Bool, otherwise: InodeOwnership = .default
    ) {
        guard let beginning = beginnings[id] else { return }
        var expected = inherits ? beginning : Attributes(ownership: otherwise)
        expected.apply(change)
        if beginning != expected { world.find("\(id) began with \(beginning), and not with \(expected)") }
    }

    func check(_ id: InodeID, _ reader: CoreReader) {
        let expected = known[id] ?? Attributes()
        let found = reader.attributes(of: id)
        if found != expected {
            world.find("\(id) has \(found.map { "\($0)" } ?? "no attributes"), and should have \(expected)")
        }
    }
}

/// What a request says of the attributes of a file that it gives a name.
struct Naming {
    var file: InodeID
    var inherits = true
    var keepsPrivileges = false
    var otherwise = InodeOwnership.default
    /// Of the file that alone gives it anything; null: whichever has the name.
    var number = InodeID.null
    var change = InodeAttributeChange.nothing
}

extension ShardLogEntry.Action {
    /// Nil: it names no new file.
    fileprivate var naming: Naming? {
        switch self {
        case .publish(let request, _): Naming(file: request.fileId)
        case .publishWithAttributes(let request, _):
            Naming(
                file: request.publication.fileId, inherits: request.inherits,
                keepsPrivileges: request.keepsPrivileges, otherwise: request.otherwise,
                number: request.publication.number, change: request.change)
        case .request(.linkFile(let request)): Naming(file: request.fileId)
        case .request(.linkFileWithSpan(let request)): Naming(file: request.fileId)
        case .request(.linkFileIfUnchanged(let request)): Naming(file: request.fileId)
        default: nil
        }
    }
}

extension CoreReader {
    func attributes(of id: InodeID) -> AttributeWatch.Attributes? {
        guard case .statAttributes(let status)? = read(.statAttributes(StatAttributesRequest(id: id, newest: false))),
            case .extendedAttributes(let page)? = read(
                .extendedAttributes(ExtendedAttributesRequest(id: id, offset: 0, mtu: 8972))),
            page.total == status.extendedBytes, page.version == status.extendedVersion
        else { return nil }
        var attributes = AttributeWatch.Attributes(ownership: status.ownership)
        if page.part.isEmpty { return attributes }
        let list = page.part.withUnsafeBytes { raw in
            var reader = WireReader(raw)
            return try? reader.list(of: ExtendedAttribute.self)
        }
        guard let list else { return nil }
        for attribute in list { attributes.extended[attribute.name] = attribute.value }
        return attributes
    }
}
