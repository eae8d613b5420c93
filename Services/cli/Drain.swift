import ArgumentParser
import BlockRepair
import Client
import Daemon
import EventLoop
import Protocol

/// `sterna drain`: takes everything off a disk that still works.
struct Drain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Move all blocks off a block service (disk), so that it can be pulled.",
        discussion: """
            The block service takes no new blocks from now on (NO_WRITE), and every file's blocks on it are moved to others. \
            It may be broken off and begun again at any time. With --retire the disk is marked as decommissioned in the end, \
            which is for good: then it may be pulled.

            For a disk that is lost, use --lost: it is marked as decommissioned at once, and its blocks are restored from the \
            others of their spans.
            """)

    @Argument(help: "Number in hexadecimal, or path, as `sterna blockservices` shows it.")
    var service: String

    @Option(help: "Addresses of the registry: HOST:PORT, several separated by commas.")
    var registry: EndpointList

    @OptionGroup var key: ClientKeyOptions

    @Option(help: "Bytes per second that are written at most; 0 = no limit.")
    var bytesPerSecond: UInt64 = 0

    @Option(help: "Files worked on at the same time.")
    var filesAtOnce = 16

    @Option(help: "Seconds until every shard knows that the block service takes no new blocks.")
    var settle: UInt32 = 120

    @Flag(help: "Mark it as decommissioned when it is empty. This cannot be undone.")
    var retire = false

    @Flag(help: "The disk is gone: mark it as decommissioned now. This cannot be undone.")
    var lost = false

    @Flag(help: "Let it take new blocks again; nothing is moved.")
    var undo = false

    func validate() throws {
        guard !undo || (!retire && !lost) else { throw ValidationError("--undo goes with neither --retire nor --lost") }
        guard (1...1024).contains(filesAtOnce) else {
            throw ValidationError("--files-at-once must be between 1 and 1024")
        }
    }

    func run() throws {
        try RegistryClient(registry, key: try key.load()).run { [self] registry in
            let services = try await registry.call(AllBlockServicesDeprecatedRequest()).blockServices
            let chosen = try chosen(from: BlockServiceList(services: services))
            let name = "block service \(chosen.id) (\(String(decoding: chosen.path, as: UTF8.self)))"
            if undo {
                guard !chosen.flags.contains(.decommissioned) else {
                    return print("\(name) is decommissioned for good")
                }
                try await set([], mask: .noWrite, of: chosen, at: registry)
                return print("\(name) takes new blocks again")
            }
            let isGone = lost || chosen.flags.contains(.decommissioned)
            let flag: BlockServiceFlags = isGone ? .decommissioned : .noWrite
            try await set(flag, mask: flag, of: chosen, at: registry)
            print("\(name) takes no new blocks; moving what is there")
            try await Evacuation(
                registry: registry, service: chosen.id, bytesPerSecond: bytesPerSecond, filesAtOnce: filesAtOnce,
                settleNanoseconds: UInt64(settle) * 1_000_000_000
            ).run()
            if retire { try await set(.decommissioned, mask: .decommissioned, of: chosen, at: registry) }
            let end =
                isGone || retire
                ? "It is decommissioned and may be pulled."
                : "Before it is pulled: `sterna drain --retire`, or --undo to use it again."
            print("no finished file has a block on \(name) any more. \(end)")
        }
    }

    private func chosen(from list: BlockServiceList) throws -> BlockServiceDeprecatedInfo {
        let found = list.matching(service)
        guard let first = found.first else { throw ValidationError("there is no block service \(service)") }
        guard found.count == 1 else {
            let numbers = found.map(\.id.description).joined(separator: ", ")
            throw ValidationError("\(service) may be any of \(numbers): give its number")
        }
        return first
    }

    private func set(
        _ flags: BlockServiceFlags, mask: BlockServiceFlags, of service: BlockServiceDeprecatedInfo,
        at registry: CommandRegistry
    ) async throws {
        _ = try await registry.call(
            SetBlockServiceFlagsRequest(id: service.id, flags: flags, flagsMask: mask.rawValue))
    }
}
