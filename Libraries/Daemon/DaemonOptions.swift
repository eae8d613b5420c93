import ArgumentParser
import EventLoop
import Logging

/// The options that every service has.
public struct DaemonOptions: ParsableArguments {
    @Option(help: "Least severe message that is logged: trace, debug, info, notice, warning, error, critical.")
    public var logLevel: Logger.Level = .info

    @Option(help: "Append the log to this file instead of standard error.")
    public var logFile: String?

    @Option(help: "Write one line 'ready ADDRESS…' to this inherited descriptor once the service answers.")
    public var readyFd: Int32?

    @Option(help: "End when the process with this id, which must be the parent, ends.")
    public var parentPid: Int32?

    public init() {}
}

/// What services with a log of their own have.
public struct LogOptions: ParsableArguments {
    @Flag(
        help: """
            Start although the newest entries of the log are damaged and clients may have been told that they are done: \
            THEY ARE LOST. Only for one start that was refused for this reason.
            """)
    public var acceptLostLogTail = false

    public init() {}
}

/// Where the registry is; for every service but the registry itself.
public struct RegistryOptions: ParsableArguments {
    @Option(help: "Addresses of the registry: HOST:PORT, several separated by commas.")
    public var registry: EndpointList

    public init() {}
}

/// Where a service listens.
public struct ListenOptions: ParsableArguments {
    @Option(
        name: .customLong("address"),
        help: "IPv4 address and port to listen on; port 0 lets the system choose. May be given twice for two networks.")
    public var addresses: [SocketAddress] = [.loopback(port: 0)]

    public init() {}

    public func validate() throws {
        guard (1...2).contains(addresses.count) else {
            throw ValidationError("--address may be given once or twice, not \(addresses.count) times")
        }
    }
}

/// One or more `HOST:PORT`, separated by commas on the command line.
public struct EndpointList: ExpressibleByArgument, Sendable {
    /// As written; never empty.
    public let endpoints: [String]

    public init?(argument: String) {
        endpoints = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard endpoints.allSatisfy({ $0.contains(":") }) else { return nil }
    }

    /// Their addresses, by the system's resolver. Blocks.
    public func resolve() throws(SystemError) -> [SocketAddress] {
        var addresses: [SocketAddress] = []
        for endpoint in endpoints { addresses.append(try SocketAddress.resolve(endpoint)) }
        return addresses
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

extension SocketAddress: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(parsing: argument)
    }
}
