import EventLoop
import Protocol

/// Tells the registry while the disk under a metadata service has little room, for its alarms; a service that has
/// enough says and asks nothing. On its loop.
public final class MetadataDiskReporter {
    private static let lookNanoseconds: UInt64 = 2_000_000_000
    /// While it stays as it is. The registry forgets after three minutes.
    private static let repeatNanoseconds: UInt64 = 30_000_000_000
    /// Until a registry that does not want to know is asked again, which may have been replaced by then.
    private static let basePauseNanoseconds: UInt64 = 3_600_000_000_000

    private let connection: RegistryConnection
    private let loop: any Loop
    private let look: () -> ReportMetadataDiskRequest?
    private var timer: (any TimerHandle)?
    private var isAsking = false
    private var nextReport: UInt64 = 0
    /// What the registry was told last, if it was something bad.
    private var told: ReportMetadataDiskRequest?

    /// - Parameters:
    ///   - connection: with the cluster's key.
    ///   - look: how it is now; nil if that cannot be told.
    public init(
        _ connection: RegistryConnection, loop: any Loop, look: @escaping () -> ReportMetadataDiskRequest?
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
        guard !isAsking, let report = look(), report.isLittle || told != nil else { return }
        let isNews = told.map { $0.isFull != report.isFull || !report.isLittle } ?? false
        guard isNews || loop.monotonicNanoseconds >= nextReport else { return }
        isAsking = true
        connection.extensions { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let known) where known.contains(.metadataDisks): tell(report)
            case .success: next(after: Self.basePauseNanoseconds)
            // It is tried again with the next look.
            case .failure: next(after: 0)
            }
        }
    }

    private func tell(_ report: ReportMetadataDiskRequest) {
        connection.call(report) { [weak self] result in
            guard let self else { return }
            guard case .success = result else { return next(after: 0) }
            told = report.isLittle ? report : nil
            next(after: Self.repeatNanoseconds)
        }
    }

    private func next(after pause: UInt64) {
        isAsking = false
        nextReport = loop.monotonicNanoseconds &+ pause
    }
}

extension ReportMetadataDiskRequest {
    /// Whether there is something to do.
    public var isLittle: Bool { isFull || freeBytes < wantedBytes }
}
