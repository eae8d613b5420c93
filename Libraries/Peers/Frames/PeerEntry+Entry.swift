import Consensus
import Protocol

extension PeerEntry {
    init(_ entry: Entry) throws(EncodeError) {
        switch entry.content {
        case .command(let bytes): self.init(position: entry.position, kind: .command, bytes: bytes)
        case .beginning: self.init(position: entry.position, kind: .beginning, bytes: [])
        case .configuration(let configuration):
            self.init(position: entry.position, kind: .configuration, bytes: try configuration.record())
        }
    }
}

extension Entry {
    init(_ entry: PeerEntry) throws(DecodeError) {
        let content: Content
        switch entry.kind {
        case .command: content = .command(entry.bytes)
        case .beginning:
            guard entry.bytes.isEmpty else { throw .surplus }
            content = .beginning
        case .configuration: content = .configuration(try Configuration(record: entry.bytes))
        default: throw .unknownKind
        }
        self.init(position: entry.position, content: content)
    }
}
