import Consensus
import Protocol

extension Write {
    /// As it is written into a log.
    var items: [LogItem] {
        switch self {
        case .hardState(let state): [.hardState(Self.record(state))]
        case .append(let entries): entries.map { .entry(LogEntry($0)) }
        case .cut(let index): [.cut(from: index)]
        case .base(let base):
            [
                .base(
                    LogBase(
                        index: base.position.index, term: base.position.term, bytes: Self.record(base.configuration)))
            ]
        }
    }

    fileprivate static func record(_ value: some ReplicaRecord) -> [UInt8] {
        do {
            return try value.record()
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
            case .configuration(let configuration): (.configuration, Write.record(configuration))
            }
        self.init(index: entry.index, term: entry.term, kind: kind, bytes: bytes)
    }
}

extension Entry {
    /// Nil if it holds what this version does not know.
    init?(_ entry: StoredEntry) {
        self.init(entry.index, entry.term, entry.kind, [UInt8](entry.bytes))
    }

    /// Nil if it holds what this version does not know.
    init?(_ entry: LogEntry) {
        self.init(entry.index, entry.term, entry.kind, entry.bytes)
    }

    private init?(_ index: LogIndex, _ term: Term, _ kind: LogEntry.Kind, _ bytes: [UInt8]) {
        let content: Content
        switch kind {
        case .command: content = .command(bytes)
        case .beginning: content = .beginning
        case .configuration:
            guard let configuration = try? Configuration(record: bytes) else { return nil }
            content = .configuration(configuration)
        }
        self.init(position: Position(index: index, term: term), content: content)
    }
}
