import Protocol

/// What the labels of a script stand for, and what its steps ask for given what there is.
public struct Labels: Sendable {
    private var directories: [Int: InodeID] = [0: .root]
    private var files: [Int: InodeID] = [:]

    public init() {}

    /// Inodes that nobody ever makes.
    public static let missingDirectory = InodeID(type: .directory, shard: ShardID(rawValue: 1), index: 1 << 40)
    public static let missingFile = InodeID(type: .file, shard: ShardID(rawValue: 1), index: 1 << 40)

    public mutating func giveFile(_ label: Int, to id: InodeID) { files[label] = id }

    /// The root keeps its label.
    public mutating func giveDirectory(_ label: Int, to id: InodeID) {
        if label != 0 { directories[label] = id }
    }

    private func directory(_ label: Int) -> InodeID { directories[label] ?? Self.missingDirectory }

    /// The request of a step; nil when the step means nothing now, as it is about a file that was never made. A
    /// `create` or `edit` stands for two requests, of which this is the first.
    public func request(_ operation: ModelOperation, _ model: NamespaceModel) -> NamespaceRequest? {
        switch operation {
        case .create(_, let owner, _, let size): .construct(in: directory(owner), size: UInt32(size))
        case .edit(_, let owner, _, let size, _, _, _, _): .construct(in: directory(owner), size: UInt32(size))
        case .construct(_, let owner): .construct(in: directory(owner), size: 0)
        case .link(let file, let owner, let name):
            files[file].map { .link($0, in: directory(owner), name: ModelOperation.names[name]) }
        case .linkOver(let file, let owner, let name, let aim):
            files[file].map {
                let edge = current(owner, name, aim, model, absent: .null)
                return .linkOver($0, in: edge.directory, name: edge.name, expected: edge.target)
            }
        case .publish(
            let file, let owner, let name, let expectation, let continues, let supersedes, let attributes):
            files[file].map {
                let present = current(owner, name, .right, model, absent: .null)
                return .publish(
                    NamespaceRequest.Publication(
                        file: $0, directory: present.directory, name: present.name,
                        expected: expected(expectation, present.target),
                        number: continues ? model.files[present.target]?.number ?? .null : .null,
                        supersedes: supersedes,
                        attributes: attributes.map {
                            NamespaceRequest.Beginning(
                                inherits: $0.inherits, kind: AttributeVariants.kinds[$0.kind].kind,
                                device: AttributeVariants.kinds[$0.kind].device,
                                change: AttributeVariants.change($0.variant))
                        }))
            }
        case .unlink(let owner, let name, let aim): .unlink(current(owner, name, aim, model))
        case .rename(let owner, let name, let new, let aim, let brings):
            .rename(current(owner, name, aim, model), to: ModelOperation.names[new], brings: brings)
        case .resurrect(let owner, let name, let version, let new, let aim):
            .resurrect(past(owner, name, version, aim, model), to: ModelOperation.names[new])
        case .lock(let owner, let name, let aim): .lock(current(owner, name, aim, model))
        case .unlock(let owner, let name, let aim): .unlock(current(owner, name, aim, model))
        case .forget(let owner, let name, let version): .forget(past(owner, name, version, .right, model))
        case .hardUnlink(let owner, let name, let version, let aim): hardUnlink(owner, name, version, aim, model)
        case .setTime(let file, let time): files[file].map { .setTime($0, UInt64(time)) }
        case .setAttributes(let file, let variant):
            files[file].map { .setAttributes($0, AttributeVariants.change(variant)) }
        case .setDirectoryAttributes(let label, let variant):
            .setAttributes(directory(label), AttributeVariants.change(variant))
        case .scrap(let file): files[file].map { .scrap($0) }
        case .removeSpan(let file): files[file].map { .removeSpan($0) }
        case .removeFile(let file): files[file].map { .removeFile($0) }
        case .setInfo(let label, let variant): .setInfo(directory(label), PolicyVariants.info(variant, label == 0))
        case .makeDirectory(_, let owner, let name, let variant):
            .makeDirectory(
                in: directory(owner), name: ModelOperation.names[name], variant.map(AttributeVariants.change))
        case .removeDirectory(let owner, let name, let aim):
            .removeDirectory(current(owner, name, aim, model, absent: Self.missingDirectory))
        case .move(let owner, let name, let new, let newName, let aim):
            .move(current(owner, name, aim, model), to: directory(new), name: ModelOperation.names[newName])
        case .replace(let owner, let name, let new, let newName, let aim):
            directory(owner) == directory(new)
                ? nil
                : .replace(
                    subdirectory(owner, name, aim, model),
                    over: subdirectory(new, newName, aim, model, isEmpty: newName % 2 == 0))
        case .hardUnlinkDirectory(let label): .hardUnlinkDirectory(directory(label))
        case .wait: .wait
        }
    }

    private func current(
        _ owner: Int, _ name: Int, _ aim: ModelOperation.Aim, _ model: NamespaceModel,
        absent: InodeID = missingFile
    ) -> NamespaceRequest.Edge {
        let (directory, name) = (directory(owner), ModelOperation.names[name])
        let edge = model.directories[directory]?.current[name]
        return aimed(
            aim, NamespaceRequest.Edge(
                directory: directory, name: name, target: edge?.target ?? absent, since: edge?.since ?? 0))
    }

    /// Of the names of directories, or of empty ones, the n-th; without any the n-th of all.
    private func subdirectory(
        _ owner: Int, _ number: Int, _ aim: ModelOperation.Aim, _ model: NamespaceModel, isEmpty: Bool = false
    ) -> NamespaceRequest.Edge {
        let current = model.directories[directory(owner)]?.current ?? [:]
        let names = ModelOperation.names.indices.filter { index in
            guard let target = current[ModelOperation.names[index]]?.target else { return false }
            return target.isDirectory && (!isEmpty || model.directories[target]?.current.isEmpty ?? false)
        }
        let name = names.isEmpty ? number : names[number % names.count]
        return self.current(owner, name, aim, model, absent: Self.missingDirectory)
    }

    private func expected(_ expectation: ModelOperation.Expectation, _ present: InodeID) -> InodeID? {
        switch expectation {
        case .anything: nil
        case .nothing: .null
        case .present: present
        case .wrong: Self.missingFile
        }
    }

    private func past(
        _ owner: Int, _ name: Int, _ version: Int, _ aim: ModelOperation.Aim, _ model: NamespaceModel
    ) -> NamespaceRequest.Edge {
        let (directory, name) = (directory(owner), ModelOperation.names[name])
        let newest = model.directories[directory]?.history[name]?.reversed().dropFirst(version).first
        return aimed(
            aim, NamespaceRequest.Edge(
                directory: directory, name: name, target: newest?.target ?? Self.missingFile,
                since: newest?.since ?? 0))
    }

    /// Only files are unlinked for good.
    private func hardUnlink(
        _ owner: Int, _ name: Int, _ version: Int, _ aim: ModelOperation.Aim, _ model: NamespaceModel
    ) -> NamespaceRequest? {
        let edge = past(owner, name, version, aim, model)
        return edge.target.isFile ? .hardUnlink(edge) : nil
    }

    private func aimed(_ aim: ModelOperation.Aim, _ edge: NamespaceRequest.Edge) -> NamespaceRequest.Edge {
        var edge = edge
        switch aim {
        case .right: break
        case .wrongTime: edge.since = 0
        case .wrongTarget: edge.target = edge.target.isDirectory ? Self.missingDirectory : Self.missingFile
        }
        return edge
    }
}

/// A few directory infos that differ.
enum PolicyVariants {
    static func info(_ variant: Int, _ isRoot: Bool) -> [DirectoryInfoTag: [UInt8]] {
        var info = DirectoryInfo(entries: [])
        do throws(EncodeError) {
            if isRoot { info = try .sternaRootDefault() }
            if variant & 1 != 0 { try info.set(StripePolicy(targetStripeSize: 4096)) }
            if variant & 2 != 0 {
                let time = DeleteAfterTime(nanoseconds: UInt64(variant))
                try info.set(SnapshotPolicy(deleteAfterTime: time, deleteAfterVersions: .inactive))
            }
        } catch {
            preconditionFailure("a policy of this program's own does not fit: \(error)")
        }
        return info.bodies
    }
}

extension DirectoryInfo {
    /// The body of each tag.
    public var bodies: [DirectoryInfoTag: [UInt8]] {
        Dictionary(entries.map { ($0.tag, $0.body) }) { $1 }
    }
}
