import EventLoop
import Protocol

/// What a metadata service tells the registry while something is wrong with it, and once when nothing is any more.
public protocol TroubleReport: RegistryRPC {
    /// What a registry must be able to do to be told.
    static var ability: ProtocolExtension { get }
    var isTrouble: Bool { get }
    /// Whether it says something else than what the registry was told last, so that it must not wait.
    func isNews(after told: Self) -> Bool
}

/// Tells the registry while something is wrong with a metadata service, for its alarms; a service that is well says and
/// asks nothing. On its loop.
public final class TroubleReporter<Report: TroubleReport> {
    private static var lookNanoseconds: UInt64 { 2_000_000_000 }
    /// While it stays as it is. The registry forgets after three minutes.
    private static var repeatNanoseconds: UInt64 { 30_000_000_000 }
    /// Until a registry that does not want to know is asked again, which may have been replaced by then.
    private static var basePauseNanoseconds: UInt64 { 3_600_000_000_000 }

    private let connection: RegistryConnection
    private let loop: any Loop
    private let look: () -> Report?
    private var timer: (any TimerHandle)?
    private var isAsking = false
    private var nextReport: UInt64 = 0
    /// What the registry was told last, if it was something bad.
    private var told: Report?

    /// - Parameters:
    ///   - connection: with the cluster's key.
    ///   - look: how it is now; nil if that cannot be told.
    public init(
        _ connection: RegistryConnection, loop: any Loop, look: @escaping () -> Report?
    ) {
        self.connection = connection
        self.loop = loop
        self.look = look
        timer = loop.timer(
            afterNanoseconds: Self.lookNanoseconds, repeatingNanoseconds: Self.lookNanoseconds
        ) { [weak self] in self?.reportIfDue() }
    }

    public func stop() {
        timer?.cancel()
        timer = nil
    }

    private func reportIfDue() {
        guard !isAsking, let report = look(), report.isTrouble || told != nil else { return }
        let isNews = told.map(report.isNews) ?? false
        guard isNews || loop.monotonicNanoseconds >= nextReport else { return }
        isAsking = true
        connection.extensions { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let known) where known.contains(Report.ability): tell(report)
            case .success: next(after: Self.basePauseNanoseconds)
            // It is tried again with the next look.
            case .failure: next(after: 0)
            }
        }
    }

    private func tell(_ report: Report) {
        connection.call(report) { [weak self] result in
            guard let self else { return }
            guard case .success = result else { return next(after: 0) }
            told = report.isTrouble ? report : nil
            next(after: Self.repeatNanoseconds)
        }
    }

    private func next(after pause: UInt64) {
        isAsking = false
        nextReport = loop.monotonicNanoseconds &+ pause
    }
}

/// How much room the disk under it has.
extension ReportMetadataDiskRequest: TroubleReport {
    public static var ability: ProtocolExtension { .metadataDisks }
    public var isTrouble: Bool { isFull || freeBytes < wantedBytes }
    public func isNews(after told: Self) -> Bool { isFull != told.isFull || !isTrouble }
}

/// Which of its groups stand still, or would with one more failure.
extension ReportGroupsRequest: TroubleReport {
    public static var ability: ProtocolExtension { .replicas }
    public var isTrouble: Bool { !groups.isEmpty }
    public func isNews(after told: Self) -> Bool { groups != told.groups }
}
