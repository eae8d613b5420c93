import Protocol
import TestServices

extension DatagramClient {
    /// Makes an empty file in the root directory.
    @discardableResult
    func makeFile(_ name: String) throws -> InodeID {
        let made = try call(ConstructFileRequest(type: .file, note: [])).get()
        _ = try call(
            LinkFileRequest(fileId: made.id, cookie: made.cookie, ownerId: .root, name: Array(name.utf8))
        ).get()
        return made.id
    }
}
