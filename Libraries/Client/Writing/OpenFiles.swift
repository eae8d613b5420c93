import EventLoop
import Protocol

/// The files that are being written through a client: when their shards must hear of each so as not to give it up, and
/// how much memory their open spans take together. Confined to the loop.
package final class OpenFiles {
    private struct Entry {
        weak var writer: FileWriter?
        /// When the shard heard of it last, by `clock`.
        var touchedNanoseconds: UInt64
        var isRenewing = false
    }

    /// Renewed at least so often, whatever a shard's deadline is: it may be started again with a shorter one.
    private static let longestIntervalNanoseconds: UInt64 = 600_000_000_000

    /// Goes on while the machine is suspended, as the shards' clocks do. Tests bring their own.
    package var clock: () -> UInt64

    private let loop: any Loop
    private let leastLifetimeNanoseconds: UInt64
    private var entries: [ObjectIdentifier: Entry] = [:]
    private var lifetimes: [ShardID: (nanoseconds: UInt64, learned: UInt64)] = [:]
    private var learning: Set<ShardID> = []
    private var timer: (any TimerHandle)?

    package init(loop: any Loop, options: ClientOptions) {
        self.loop = loop
        clock = { loop.bootNanoseconds }
        leastLifetimeNanoseconds = options.leastTransientNanoseconds
        limitBytes = options.openBufferBytes
    }

    func insert(_ writer: FileWriter, touched: UInt64) {
        entries[ObjectIdentifier(writer)] = Entry(writer: writer, touchedNanoseconds: touched)
        let period = leastLifetimeNanoseconds / 10
        timer =
            timer
            ?? loop.timer(afterNanoseconds: period, repeatingNanoseconds: period) { [weak self] in
                self?.renewDue()
            }
    }

    func remove(_ writer: FileWriter) {
        entries[ObjectIdentifier(writer)] = nil
        if entries.isEmpty { close() }
    }

    func close() {
        timer?.cancel()
        timer = nil
    }

    // MARK: Deadlines

    /// The shard has moved the file's deadline; the request left at this time.
    func touched(_ writer: FileWriter, at nanoseconds: UInt64) {
        entries[ObjectIdentifier(writer)]?.touchedNanoseconds = nanoseconds
    }

    /// How long a shard keeps an unfinished file that it does not hear of: at least.
    func lifetimeNanoseconds(_ shard: ShardID) -> UInt64 {
        lifetimes[shard]?.nanoseconds ?? leastLifetimeNanoseconds
    }

    func learned(_ shard: ShardID, lifetimeNanoseconds: UInt64) {
        lifetimes[shard] = (max(lifetimeNanoseconds, 1), clock())
    }

    /// Whether it is time to ask for the shard's deadline, and nobody does.
    func beginsLearning(_ shard: ShardID) -> Bool {
        if let known = lifetimes[shard] {
            let interval = min(known.nanoseconds / 3, Self.longestIntervalNanoseconds)
            guard clock() &- known.learned >= interval else { return false }
        }
        return learning.insert(shard).inserted
    }

    func endsLearning(_ shard: ShardID) {
        learning.remove(shard)
    }

    private func renewDue() {
        let now = clock()
        for (key, entry) in entries {
            guard let writer = entry.writer else {
                entries[key] = nil
                continue
            }
            let interval = min(lifetimeNanoseconds(writer.id.shard) / 3, Self.longestIntervalNanoseconds)
            guard !entry.isRenewing, now &- entry.touchedNanoseconds >= interval else { continue }
            entries[key]?.isRenewing = true
            loop.task { await writer.renew() }
        }
        if entries.isEmpty { close() }
    }

    /// What came of it shows in the time of the last touch.
    func renewalEnded(_ writer: FileWriter) {
        entries[ObjectIdentifier(writer)]?.isRenewing = false
    }

    // MARK: Memory

    private let limitBytes: Int
    private var usedBytes = 0
    private var waiters: [UnsafeContinuation<Void, Never>] = []

    func resized(from old: Int, to new: Int) {
        usedBytes += new - old
        if new < old { changed() }
    }

    /// Whether so much more may be taken. A page always may: a file with less cannot be sealed.
    func grants(_ bytes: Int) -> Bool {
        bytes <= ClientLimits.pageBytes || usedBytes + bytes <= limitBytes
    }

    /// Whether there is so much that the open span of one more large file need not grow in steps.
    func grantsEasily(_ bytes: Int) -> Bool {
        usedBytes + bytes <= limitBytes / 2
    }

    /// The file with the most bytes that can be sealed; nil when none has a page of them. One that waits for its shard
    /// already is no help as long as there are others.
    func fullest() -> FileWriter? { fullest(withRoom: true) ?? fullest(withRoom: false) }

    private func fullest(withRoom: Bool) -> FileWriter? {
        var best: (writer: FileWriter, bytes: Int)?
        for entry in entries.values {
            guard let writer = entry.writer, !withRoom || writer.assumeIsolated({ $0.hasRoom }) else { continue }
            let bytes = writer.assumeIsolated { $0.sealableBytes }
            if bytes > best?.bytes ?? 0 { best = (writer, bytes) }
        }
        return best?.writer
    }

    /// Waits until memory was given back, or a span was stored.
    nonisolated(nonsending) func nextChange() async {
        await withUnsafeContinuation { waiters.append($0) }
    }

    func changed() {
        let resumed = waiters
        waiters = []
        for waiter in resumed { waiter.resume() }
    }
}
