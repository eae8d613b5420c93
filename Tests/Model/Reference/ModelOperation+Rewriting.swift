extension ModelOperation {
    /// What makes scripts simpler as a whole: one directory less, the root doing for it.
    public static let rewrites: [@Sendable ([ModelOperation]) -> [ModelOperation]] = (1..<labels).map { label in
        { script in script.map { $0.replacingDirectories { $0 == label ? 0 : $0 } } }
    }

    /// The step with other labels of directories.
    func replacingDirectories(_ new: (Int) -> Int) -> ModelOperation {
        switch self {
        case .create(let file, let owner, let name, let size):
            .create(file: file, in: new(owner), name: name, size: size)
        case .construct(let file, let owner): .construct(file: file, in: new(owner))
        case .link(let file, let owner, let name): .link(file: file, in: new(owner), name: name)
        case .linkOver(let file, let owner, let name, let aim):
            .linkOver(file: file, in: new(owner), name: name, aim)
        case .edit(
            let file, let owner, let name, let size, let expectation, let continues, let supersedes, let attributes):
            .edit(
                file: file, in: new(owner), name: name, size: size, expectation, continues: continues,
                supersedes: supersedes, attributes: attributes)
        case .publish(
            let file, let owner, let name, let expectation, let continues, let supersedes, let attributes):
            .publish(
                file: file, in: new(owner), name: name, expectation, continues: continues, supersedes: supersedes,
                attributes: attributes)
        case .unlink(let owner, let name, let aim): .unlink(in: new(owner), name: name, aim)
        case .rename(let owner, let name, let to, let aim, let brings):
            .rename(in: new(owner), name: name, to: to, aim, brings: brings)
        case .resurrect(let owner, let name, let version, let to, let aim):
            .resurrect(in: new(owner), name: name, version: version, to: to, aim)
        case .lock(let owner, let name, let aim): .lock(in: new(owner), name: name, aim)
        case .unlock(let owner, let name, let aim): .unlock(in: new(owner), name: name, aim)
        case .forget(let owner, let name, let version): .forget(in: new(owner), name: name, version: version)
        case .hardUnlink(let owner, let name, let version, let aim):
            .hardUnlink(in: new(owner), name: name, version: version, aim)
        case .setInfo(let directory, let variant): .setInfo(directory: new(directory), variant: variant)
        case .makeDirectory(let directory, let owner, let name, let variant):
            .makeDirectory(directory: new(directory), in: new(owner), name: name, variant: variant)
        case .setDirectoryAttributes(let directory, let variant):
            .setDirectoryAttributes(directory: new(directory), variant: variant)
        case .removeDirectory(let owner, let name, let aim): .removeDirectory(in: new(owner), name: name, aim)
        case .move(let owner, let name, let to, let newName, let aim):
            .move(in: new(owner), name: name, to: new(to), as: newName, aim)
        case .replace(let owner, let name, let to, let newName, let aim):
            .replace(in: new(owner), name: name, over: new(to), as: newName, aim)
        case .hardUnlinkDirectory(let directory): .hardUnlinkDirectory(directory: new(directory))
        case .setTime, .setAttributes, .scrap, .removeSpan, .removeFile, .wait: self
        }
    }
}
