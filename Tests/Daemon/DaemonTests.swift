import ArgumentParser
import Daemon
import EventLoop
import Glibc
import Logging
import Metrics
import Testing

/// One daemon at a time: signals belong to the process.
@Suite(.serialized) struct DaemonTests {
    @Test func reportsReadinessAndShutsDownInReverseOrder() throws {
        var pipe: [Int32] = [0, 0]
        #expect(Glibc.pipe(&pipe) == 0)
        let options = try DaemonOptions.parse(["--ready-fd", "\(pipe[1])", "--log-file", "/dev/null"])
        var order: [Int] = []
        try Daemon.run("test", options) { daemon in
            daemon.onShutdown { done in order.append(1); done(); done() }
            daemon.onShutdown { done in
                order.append(2)
                daemon.loop.timer(afterNanoseconds: 1_000_000, done)
            }
            daemon.ready([.loopback(port: 7)])
            daemon.ready()
            kill(getpid(), SIGTERM)
        }
        #expect(order == [2, 1])
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = read(pipe[0], &buffer, buffer.count)
        #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "ready 127.0.0.1:7\n")
        // Closed: whoever waits sees the end.
        #expect(read(pipe[0], &buffer, buffer.count) == 0)
        close(pipe[0])
    }

    struct Broken: Error {}

    @Test func startAndRunFailuresAreThrown() throws {
        let options = try DaemonOptions.parse(["--log-file", "/dev/null"])
        #expect(throws: Broken.self) { try Daemon.run("test", options) { _ in throw Broken() } }
        var cleaned = false
        #expect(throws: Broken.self) {
            try Daemon.run("test", options) { daemon in
                daemon.onShutdown { done in cleaned = true; done() }
                daemon.loop.timer(afterNanoseconds: 1) { daemon.fail(Broken()) }
            }
        }
        #expect(cleaned)
    }

    @Test func refusesAParentThatIsGone() throws {
        let options = try DaemonOptions.parse(["--parent-pid", "999999999", "--log-file", "/dev/null"])
        #expect(throws: SystemError.self) { try Daemon.run("test", options) { $0.shutDown("unreachable") } }
    }

    @Test func refusesALogFileThatCannotBeOpened() throws {
        let options = try DaemonOptions.parse(["--log-file", "/nonexistent/log"])
        #expect(throws: SystemError.self) { try Daemon.run("test", options) { $0.shutDown("unreachable") } }
    }

    @Test func logsOneLinePerEvent() throws {
        var path = Array("/tmp/sterna-log-XXXXXX".utf8CString)
        let file = mkstemp(&path)
        unlink(path)
        var logger = Logger(label: "unit") { LineLogHandler(label: $0, level: .info, descriptor: file) }
        logger[metadataKey: "shard"] = "17"
        logger.info("one\ntwo\u{1b}[31m")
        logger.debug("hidden")
        var buffer = [UInt8](repeating: 0, count: 1000)
        let count = pread(file, &buffer, buffer.count, 0)
        let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        #expect(text.hasSuffix("Z info unit shard=17 one?two?[31m\n"))
        #expect(text.utf8.filter { $0 == 10 }.count == 1)
        close(file)
    }

    @Test func countersAddUp() {
        let counters = Counters()
        counters.counter("b_total").add(2)
        counters.counter("b_total").add()
        counters.gauge("a") { 7 }
        #expect(counters.snapshot().map { "\($0.name)=\($0.value)" } == ["a=7", "b_total=3"])
    }

    @Test func readsOptions() throws {
        #expect(try RegistryOptions.parse(["--registry", "a:1,b:2"]).registry.endpoints == ["a:1", "b:2"])
        #expect(throws: (any Error).self) { try RegistryOptions.parse(["--registry", "a:1,"]) }
        #expect(throws: (any Error).self) { try RegistryOptions.parse([]) }
        let listen = try ListenOptions.parse(["--address", "127.0.0.1:1", "--address", "10.0.0.1:2"])
        #expect(listen.addresses.map(\.description) == ["127.0.0.1:1", "10.0.0.1:2"])
        #expect(throws: (any Error).self) { try ListenOptions.parse(["--address", "nowhere"]) }
        #expect(throws: (any Error).self) { try DaemonOptions.parse(["--log-level", "loud"]) }
    }
}
