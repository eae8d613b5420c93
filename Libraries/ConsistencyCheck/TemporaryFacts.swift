import Directories
import Glibc
import Store

/// A store on disk for sorting what does not fit into memory; its directory goes away with it.
public final class TemporaryFacts: Sendable {
    // The store first: it is closed, which writes once more, before the directory goes.
    let store: RocksStore
    private let directory: TemporaryDirectory

    /// The directory, for whoever has to remove it when the process is being ended.
    public var path: String { directory.path }

    /// Makes a directory below `parent`.
    ///
    /// - Parameter memoryBytes: for sorting before anything goes to disk.
    public init(in parent: String, memoryBytes: Int = 96 << 20) throws(CheckFailure) {
        directory = try TemporaryDirectory(in: parent)
        do throws(StoreError) {
            store = try RocksStore(
                directory: directory.path + "/facts",
                options: RocksOptions(writeAheadLog: false, memoryBudgetBytes: memoryBytes))
        } catch {
            throw CheckFailure("cannot make a temporary store in \(directory.path): \(error)")
        }
    }

    /// Removes the directory and all in it. The store may still be open: nothing of it is wanted any more.
    public static func remove(_ path: String) {
        // What cannot be listed stays: it is in a directory of temporary files.
        let names = (try? DirectoryListing.names(in: path)) ?? []
        for name in names where unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
        rmdir(path)
    }
}

/// A directory that is removed with everything in it when the value goes away.
private final class TemporaryDirectory: Sendable {
    let path: String

    init(in parent: String) throws(CheckFailure) {
        var template = Array((parent + "/sterna-fsck-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CheckFailure("cannot make a temporary directory in \(parent): \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        TemporaryFacts.remove(path)
    }
}
