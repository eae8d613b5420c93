/// One step of a script. It says what it means by numbers that stay meaningful when other steps are left out: labels of
/// directories and files (directory 0 is the root; what a label was given to last counts), names out of a short list,
/// the n-th newest piece of a name's history. A directory's label that was given to nothing stands for a directory that
/// does not exist; a step about a file that was never made is left out.
///
/// Its description is Swift, so that a printed script can be pasted into a test.
public enum ModelOperation: Hashable, Sendable, CustomStringConvertible {
    /// Whether a step asks for the right thing.
    public enum Aim: Hashable, Sendable {
        case right, wrongTime, wrongTarget
    }

    /// What a published file asks of the name that it gets.
    public enum Expectation: Hashable, Sendable {
        case anything, nothing, present, wrong
    }

    /// What a file that gets a name begins with: what it inherits or nothing, with a variant of changes.
    public struct Attributes: Hashable, Sendable, CustomStringConvertible {
        public var inherits: Bool
        public var variant: Int
        /// Of a special file; 0: it is none.
        public var kind: Int

        public init(inherits: Bool, _ variant: Int, kind: Int = 0) {
            self.inherits = inherits
            self.variant = variant
            self.kind = kind
        }

        public var description: String {
            ".init(inherits: \(inherits), \(variant)" + (kind == 0 ? ")" : ", kind: \(kind))")
        }
    }

    /// CONSTRUCT_FILE, so many bytes, LINK_FILE.
    case create(file: Int, in: Int, name: Int, size: Int)
    case construct(file: Int, in: Int)
    case link(file: Int, in: Int, name: Int)
    case linkOver(file: Int, in: Int, name: Int, Aim)
    /// CONSTRUCT_FILE, so many bytes, PUBLISH_FILE; `continues`: as a version of the file that has the name.
    /// With attributes: PUBLISH_FILE_WITH_ATTRIBUTES.
    case edit(
        file: Int, in: Int, name: Int, size: Int, Expectation, continues: Bool, supersedes: Bool,
        attributes: Attributes? = nil)
    case publish(
        file: Int, in: Int, name: Int, Expectation, continues: Bool, supersedes: Bool, attributes: Attributes? = nil)
    case unlink(in: Int, name: Int, Aim)
    case rename(in: Int, name: Int, to: Int, Aim, brings: Bool)
    case resurrect(in: Int, name: Int, version: Int, to: Int, Aim)
    case lock(in: Int, name: Int, Aim)
    case unlock(in: Int, name: Int, Aim)
    case forget(in: Int, name: Int, version: Int)
    case hardUnlink(in: Int, name: Int, version: Int, Aim)
    case setTime(file: Int, Int)
    case setAttributes(file: Int, variant: Int)
    case setDirectoryAttributes(directory: Int, variant: Int)
    case scrap(file: Int)
    case removeSpan(file: Int)
    case removeFile(file: Int)
    case setInfo(directory: Int, variant: Int)
    /// With a variant: MAKE_DIRECTORY_WITH_ATTRIBUTES.
    case makeDirectory(directory: Int, in: Int, name: Int, variant: Int? = nil)
    case removeDirectory(in: Int, name: Int, Aim)
    case move(in: Int, name: Int, to: Int, as: Int, Aim)
    case replace(in: Int, name: Int, over: Int, as: Int, Aim)
    case hardUnlinkDirectory(directory: Int)
    case wait

    /// What the numbers of names mean; the last is not a name.
    public static let names: [[UInt8]] = ["a", "b", "c", "d", ".."].map { [UInt8]($0.utf8) }
    /// Labels for directories and for files.
    public static let labels = 6

    public var description: String {
        switch self {
        case .create(let file, let owner, let name, let size):
            ".create(file: \(file), in: \(owner), name: \(name), size: \(size))"
        case .construct(let file, let owner): ".construct(file: \(file), in: \(owner))"
        case .link(let file, let owner, let name): ".link(file: \(file), in: \(owner), name: \(name))"
        case .linkOver(let file, let owner, let name, let aim):
            ".linkOver(file: \(file), in: \(owner), name: \(name), .\(aim))"
        case .edit(
            let file, let owner, let name, let size, let expectation, let continues, let supersedes, let attributes):
            ".edit(file: \(file), in: \(owner), name: \(name), size: \(size), .\(expectation), "
                + "continues: \(continues), supersedes: \(supersedes)\(Self.described(attributes)))"
        case .publish(
            let file, let owner, let name, let expectation, let continues, let supersedes, let attributes):
            ".publish(file: \(file), in: \(owner), name: \(name), .\(expectation), "
                + "continues: \(continues), supersedes: \(supersedes)\(Self.described(attributes)))"
        case .unlink(let owner, let name, let aim): ".unlink(in: \(owner), name: \(name), .\(aim))"
        case .rename(let owner, let name, let new, let aim, let brings):
            ".rename(in: \(owner), name: \(name), to: \(new), .\(aim), brings: \(brings))"
        case .resurrect(let owner, let name, let version, let new, let aim):
            ".resurrect(in: \(owner), name: \(name), version: \(version), to: \(new), .\(aim))"
        case .lock(let owner, let name, let aim): ".lock(in: \(owner), name: \(name), .\(aim))"
        case .unlock(let owner, let name, let aim): ".unlock(in: \(owner), name: \(name), .\(aim))"
        case .forget(let owner, let name, let version): ".forget(in: \(owner), name: \(name), version: \(version))"
        case .hardUnlink(let owner, let name, let version, let aim):
            ".hardUnlink(in: \(owner), name: \(name), version: \(version), .\(aim))"
        case .setAttributes(let file, let variant): ".setAttributes(file: \(file), variant: \(variant))"
        case .setDirectoryAttributes(let directory, let variant):
            ".setDirectoryAttributes(directory: \(directory), variant: \(variant))"
        case .setTime(let file, let time): ".setTime(file: \(file), \(time))"
        case .scrap(let file): ".scrap(file: \(file))"
        case .removeSpan(let file): ".removeSpan(file: \(file))"
        case .removeFile(let file): ".removeFile(file: \(file))"
        case .setInfo(let directory, let variant): ".setInfo(directory: \(directory), variant: \(variant))"
        case .makeDirectory(let directory, let owner, let name, let variant):
            ".makeDirectory(directory: \(directory), in: \(owner), name: \(name)"
                + (variant.map { ", variant: \($0))" } ?? ")")
        case .removeDirectory(let owner, let name, let aim): ".removeDirectory(in: \(owner), name: \(name), .\(aim))"
        case .move(let owner, let name, let new, let newName, let aim):
            ".move(in: \(owner), name: \(name), to: \(new), as: \(newName), .\(aim))"
        case .replace(let owner, let name, let new, let newName, let aim):
            ".replace(in: \(owner), name: \(name), over: \(new), as: \(newName), .\(aim))"
        case .hardUnlinkDirectory(let directory): ".hardUnlinkDirectory(directory: \(directory))"
        case .wait: ".wait"
        }
    }

    private static func described(_ attributes: Attributes?) -> String {
        attributes.map { ", attributes: \($0)" } ?? ""
    }
}

extension [ModelOperation] {
    /// The script as it can be pasted into a test.
    public var asSource: String { "[\n" + map { "    \($0),\n" }.joined() + "]" }
}
