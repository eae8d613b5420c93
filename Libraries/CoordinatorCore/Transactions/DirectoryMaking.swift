import Mutations
import Protocol

/// What a mkdir wants.
struct DirectoryMaking {
    /// Which of the requests it is.
    enum Form {
        case plain
        case exclusive
        case withAttributes
    }

    var name: [UInt8]
    var form: Form
    /// Whether a directory that exists is not taken for the one that was wanted.
    var isExclusive: Bool
    /// The attributes that the directory is to begin with.
    var change = InodeAttributeChange.nothing

    init(_ request: MakeDirectoryRequest) {
        (name, form, isExclusive) = (request.name, .plain, false)
    }

    init(_ request: MakeDirectoryExclusiveRequest) {
        (name, form, isExclusive) = (request.name, .exclusive, true)
    }

    init(_ request: MakeDirectoryWithAttributesRequest) {
        (name, form, isExclusive) = (request.name, .withAttributes, request.isExclusive)
        change = request.change
    }

    /// Nil for requests that make no directory.
    init?(_ request: AnyCdcRequest) {
        switch request {
        case .makeDirectory(let request): self.init(request)
        case .makeDirectoryExclusive(let request): self.init(request)
        case .makeDirectoryWithAttributes(let request): self.init(request)
        default: return nil
        }
    }

    /// The request for it.
    func request(in owner: InodeID) -> AnyCdcRequest {
        switch form {
        case .plain: .makeDirectory(MakeDirectoryRequest(ownerId: owner, name: name))
        case .exclusive: .makeDirectoryExclusive(MakeDirectoryExclusiveRequest(ownerId: owner, name: name))
        case .withAttributes:
            .makeDirectoryWithAttributes(
                MakeDirectoryWithAttributesRequest(
                    ownerId: owner, name: name, isExclusive: isExclusive, change: change))
        }
    }

    /// What is asked of the shard that the directory belongs into.
    func creation(of directory: InodeID, in owner: InodeID) -> AnyShardRequest {
        let creation = CreateDirectoryInodeRequest(id: directory, ownerId: owner, info: DirectoryInfo(entries: []))
        if change == .nothing || Mutation.directoriesAreMadeBare.isPlanted { return .createDirectoryInode(creation) }
        return .createDirectoryInodeWithAttributes(
            CreateDirectoryInodeWithAttributesRequest(creation: creation, change: change))
    }
}

extension DirectoryMaking.Form {
    /// The answer that a directory is there.
    func made(_ id: InodeID, _ creationTime: Timestamp) -> AnyCdcResponse {
        switch self {
        case .plain: .makeDirectory(MakeDirectoryResponse(id: id, creationTime: creationTime))
        case .exclusive: .makeDirectoryExclusive(MakeDirectoryExclusiveResponse(id: id, creationTime: creationTime))
        case .withAttributes:
            .makeDirectoryWithAttributes(MakeDirectoryWithAttributesResponse(id: id, creationTime: creationTime))
        }
    }
}
