import Consensus
import Protocol

extension Write {
    /// As it is written into a log.
    var items: [LogItem] {
        switch self {
        case .hardState(let state): [.hardState(Self.packed(state))]
        case .append(let entries): entries.map { .entry(LogEntry($0)) }
        case .cut(let index): [.cut(from: index)]
        case .base(let base):
            [
                .base(
                    LogBase(
                        index: base.position.index, term: base.position.term, bytes: Self.packed(base.configuration)))
            ]
        }
    }

    /// A version before the value itself.
    fileprivate static let version: UInt8 = 1

    fileprivate static func packed(_ value: some WireValue) -> [UInt8] {
        do {
            return [version] + (try value.encoded())
        } catch {
            preconditionFailure("a value of fixed parts has no room in its own size: \(error)")
        }
    }
}

extension LogEntry {
    init(_ entry: Entry) {
        let (kind, bytes): (Kind, [UInt8]) =
            switch entry.content {
            case .command(let bytes): (.command, bytes)
            case .beginning: (.beginning, [])
            case .configuration(let configuration): (.configuration, Write.packed(configuration))
            }
        self.init(index: entry.index, term: entry.term, kind: kind, bytes: bytes)
    }
}

extension Entry {
    /// Nil if it holds what this version does not know.
    init?(_ entry: LogEntry) {
        let content: Content
        switch entry.kind {
        case .command: content = .command(entry.bytes)
        case .beginning: content = .beginning
        case .configuration:
            guard let configuration = Configuration(packed: entry.bytes) else { return nil }
            content = .configuration(configuration)
        }
        self.init(position: Position(index: entry.index, term: entry.term), content: content)
    }
}

extension WireValue {
    /// As a log holds it; nil if this version does not know it.
    init?(packed bytes: some Collection<UInt8>) {
        guard bytes.first == Write.version, let value = try? Self(decoding: [UInt8](bytes.dropFirst())) else {
            return nil
        }
        self = value
    }
}
