import ArgumentParser

/// An option that `sterna up` hands on to the services of one role, as `ROLE:OPTION`.
struct ServiceOption: ExpressibleByArgument, Equatable {
    private static let roles = ["registry", "shard", "cdc", "block", "gc", "mount"]

    let role: String
    let option: String

    init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, Self.roles.contains(String(parts[0])), parts[1].hasPrefix("--") else { return nil }
        role = String(parts[0])
        option = String(parts[1])
    }
}
