import EventLoop
import TestSupport

/// A running `sterna-registry` of the build that the tests belong to; it dies with the object.
final class RegistryProcess {
    let address: SocketAddress
    let process: ChildProcess

    /// Starts it and waits until it is ready.
    init(data: String, address: SocketAddress = .loopback(port: 0), _ options: [String] = []) throws {
        let arguments = ["--data", data, "--address", "\(address)", "--log-file", data + ".log"]
        let (process, ready) = try ChildProcess.serving(
            "sterna-registry",
            arguments + (options.contains("--key-file") ? [] : ["--well-known-key"]) + options)
        // `ready 127.0.0.1:1234`
        let words = ready.split(whereSeparator: \.isWhitespace)
        guard let announced = words.dropFirst().first.flatMap({ SocketAddress(parsing: String($0)) }) else {
            throw TestFailure("sterna-registry says \(ready)")
        }
        self.process = process
        self.address = announced
    }

    /// Sends the signal and waits for the end; returns the exit status, or 128 and the signal that ended it.
    @discardableResult
    func end(_ signal: Int32) -> Int32 { process.end(signal) }
}
