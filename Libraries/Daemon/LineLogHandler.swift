import EventLoop
import Glibc
import Logging

/// Writes each event as one line, by one write(2): lines of several processes in one file do not mix.
///
///     2026-11-22T14:55:01.123Z info sterna-shard shard=17 message
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level

    private let label: String
    private let descriptor: Int32

    package init(label: String, level: Logger.Level, descriptor: Int32) {
        self.label = label
        logLevel = level
        self.descriptor = descriptor
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { $1 } }
        if let given = event.metadata { merged.merge(given) { $1 } }
        var line = "\(Self.timestamp()) \(event.level) \(label)"
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        line += " \(event.message)"
        write(line)
    }

    /// Control characters would break the line, or worse the terminal that shows it: names of files come from users.
    private func write(_ line: String) {
        var bytes = line.utf8.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 }
        bytes.append(UInt8(ascii: "\n"))
        bytes.withUnsafeBytes { buffer in
            var rest = UnsafeRawBufferPointer(rebasing: buffer[...])
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if written < 0, errno == EINTR { continue }
                // A full disk must not stop the service, and there is nowhere to report it.
                guard written > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }

    private static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        let fields = [parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec]
        let text = fields.map { $0 < 10 ? "0\($0)" : "\($0)" }
        let millisecond = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
        return "\(Int(parts.tm_year) + 1900)-\(text[0])-\(text[1])T\(text[2]):\(text[3]):\(text[4]).\(millisecond)Z"
    }
}
