import ConsistencyCheck
import EventLoop
import Glibc

/// Where a command keeps what it needs only while it runs.
enum TemporaryPlace {
    /// `$TMPDIR`, or `/tmp`.
    static var parent: String {
        let value = getenv("TMPDIR").map { String(cString: $0) } ?? ""
        return value.isEmpty ? "/tmp" : value
    }

    /// Makes a temporary store that goes away with the process, also when a signal ends it: Ctrl-C, SIGTERM and SIGHUP
    /// exit with status 2 from now on. Call it before any other thread is started, so that all inherit the mask.
    static func makeFacts() throws -> TemporaryFacts {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let facts = try TemporaryFacts(in: parent)
        let (awaited, path) = (signals, facts.path)
        try SystemThread(name: "signals") {
            var signals = awaited
            var number: Int32 = 0
            while sigwait(&signals, &number) != 0 {}
            TemporaryFacts.remove(path)
            // What was checked so far says nothing about the rest.
            _exit(2)
        }.detach()
        return facts
    }
}
