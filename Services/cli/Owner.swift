import ArgumentParser
import Client
import Daemon
import Protocol

/// `sterna owner`: whom what nobody was given belongs to.
struct Owner: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show or choose the owner and the modes of inodes that have none of their own.",
        discussion: """
            Every inode that nobody has given an owner, a group or a mode is shown with these by all mounts. `sterna up` \
            chooses whoever runs it first. Mounts ask when they start, and every minute in which they are used. What \
            people have set goes along where it is the same as this: it is not stored.
            """)

    @Option(help: "Addresses of the registry: HOST:PORT, several separated by commas.")
    var registry: EndpointList

    @OptionGroup var key: ClientKeyOptions

    @Option(help: "Number of the owner.")
    var uid: UInt32?

    @Option(help: "Number of the group.")
    var gid: UInt32?

    @Option(help: .init("Mode of files, octal.", valueName: "mode"))
    var fileMode: String?

    @Option(help: .init("Mode of directories, octal.", valueName: "mode"))
    var directoryMode: String?

    func validate() throws {
        for mode in [fileMode, directoryMode] { _ = try mode.map(Self.mode) }
        for id in [uid, gid] where id == InodeOwnership.defaultID { throw ValidationError("4294967295 is nobody") }
    }

    private static func mode(_ text: String) throws -> UInt16 {
        guard let mode = UInt16(text, radix: 8), mode <= AttributeLimits.modeBits else {
            throw ValidationError("a mode is an octal number up to 7777, such as 644")
        }
        return mode
    }

    func run() throws {
        let present = try RegistryClient(registry, key: try key.load()).run { [self] registry in
            var present = try await registry.call(DefaultOwnershipRequest())
            guard uid != nil || gid != nil || fileMode != nil || directoryMode != nil else { return present }
            let choice = SetDefaultOwnershipRequest(
                uid: uid ?? present.uid, gid: gid ?? present.gid,
                fileMode: try fileMode.map(Self.mode) ?? present.fileMode,
                directoryMode: try directoryMode.map(Self.mode) ?? present.directoryMode)
            _ = try await registry.call(choice)
            present = try await registry.call(DefaultOwnershipRequest())
            return present
        }
        print(
            """
            owner        \(present.uid)
            group        \(present.gid)
            files        \(String(present.fileMode, radix: 8))
            directories  \(String(present.directoryMode, radix: 8))
            """)
    }
}
