import ArgumentParser
import Daemon

/// `sterna key`: the secret that the servers of a new cluster will share.
struct Key: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make the key of a new cluster.",
        discussion: """
            Every server and every command that changes the cluster is given the file with --key-file. Copy it to the machines \
            of the servers (mode 600, their user); mounts need none. `sterna up` makes DIR/key by itself.
            """)

    @Argument(help: "File to make; an existing one is left as it is.")
    var file: String

    func run() throws { try ClusterKeyFile(file).create() }
}
