import ArgumentParser

/// The command `sterna`: what people type.
@main struct Sterna: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna",
        abstract: "A distributed filesystem for large immutable files.",
        subcommands: [
            Up.self, Status.self, Shards.self, Leader.self, Replica.self, BlockServices.self, Drain.self, Fsck.self,
            Key.self, Owner.self,
            Policy.self, Recover.self, Sync.self,
        ])
}
