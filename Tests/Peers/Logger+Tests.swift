import Logging
import Synchronization

extension Logger {
    /// Nobody reads it.
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// A log that a test reads.
final class LogPages: Sendable {
    private let written = Mutex<[String]>([])

    var lines: [String] { written.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(pages: self) } }

    private struct Handler: LogHandler {
        let pages: LogPages
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            pages.written.withLock { $0.append("\(event.message)") }
        }
    }
}
