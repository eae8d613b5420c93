/// The configurations in a log, so that a cut brings the one before back.
struct ConfigurationHistory: Sendable {
    struct Version: Sendable {
        let index: LogIndex
        let configuration: Configuration
    }

    /// The first stands at or before the beginning of the log; the last one is in force. Never empty.
    private(set) var versions: [Version]

    init(_ configuration: Configuration, at index: LogIndex) {
        versions = [Version(index: index, configuration: configuration)]
    }

    var latest: Configuration { versions[versions.count - 1].configuration }
    var latestIndex: LogIndex { versions[versions.count - 1].index }

    mutating func append(_ configuration: Configuration, at index: LogIndex) {
        versions.append(Version(index: index, configuration: configuration))
    }

    /// The log was cut: what stood at `index` and later is gone.
    mutating func cut(from index: LogIndex) {
        while versions.count > 1, latestIndex >= index { versions.removeLast() }
    }

    /// The log begins behind `index` now, where `configuration` is in force; what comes later stays.
    mutating func rebase(to configuration: Configuration, at index: LogIndex) {
        versions.removeAll { $0.index <= index }
        versions.insert(Version(index: index, configuration: configuration), at: 0)
    }

    /// Forgets what was no longer in force at `index`.
    mutating func compact(through index: LogIndex) {
        let outdated = versions.dropFirst().prefix { $0.index <= index }.count
        versions.removeFirst(outdated)
    }

    /// The one in force at `index`, which must not be before the first.
    func inForce(at index: LogIndex) -> Version { versions.last { $0.index <= index } ?? versions[0] }

    /// Where it first says that the replica in `slot` has asked with `nonce`; nil: nowhere.
    func index(of nonce: Nonce, at slot: ReplicaSlot) -> LogIndex? {
        versions.first { $0.configuration[slot]?.nonce == nonce }?.index
    }
}
