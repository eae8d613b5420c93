import Protocol

extension ParentChange {
    /// What STAT_DIRECTORY says about the owner of `directory`; nil when the answer says nothing.
    init?(of directory: InodeID, from answer: ShardAnswer) {
        switch answer {
        case .success(.statDirectory(let response)) where !response.owner.isNull:
            self = .set(directory, owner: response.owner)
        case .success(.statDirectory), .failure(.directoryNotFound):
            self = .remove(directory)
        default:
            return nil
        }
    }
}
