import Logging
import Synchronization

/// What a log says of losses: operation and errno of each line.
final class LossRecord: Sendable {
    private let written = Mutex<[String]>([])

    var lines: [String] { written.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(record: self) } }

    private struct Handler: LogHandler {
        let record: LossRecord
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let (operation, errno) = (event.metadata?["operation"], event.metadata?["errno"])
            guard let operation, let errno else { return }
            record.written.withLock { $0.append("\(operation) \(errno)") }
        }
    }
}
