import Foundation
import Synchronization

/// Prints how a campaign goes, and says when it is over.
struct Progress: Sendable {
    let counters: Counters
    let findings: Findings
    /// How long there is load.
    let seconds: Double
    /// Seconds after which a call that has not returned is a finding.
    let patience: Double

    /// Findings after which it is of no use to go on.
    private static let mostFindings = 50

    /// Returns when it is over.
    func watch(_ context: LoadContext) {
        let began = monotonicSeconds()
        var nextReport = began + 5
        while monotonicSeconds() - began < seconds, !isInterrupted.load(ordering: .relaxed) {
            usleep(200_000)
            if let hung = context.watchdog.overdue(seconds: patience).first {
                return findings.add("hangs for more than \(Int(patience)) s: \(hung.what)")
            }
            if findings.count >= Self.mostFindings || findings.isHopeless { return }
            guard monotonicSeconds() >= nextReport else { continue }
            nextReport += 5
            report(Int(monotonicSeconds() - began), context)
        }
    }

    private func report(_ elapsed: Int, _ context: LoadContext) {
        let files = ["files written", "files replaced", "files verified", "files renamed", "files deleted"]
            .map { "\(counters[$0]) \($0.dropFirst(6))" }
        let damaged = counters.all("block faults: ").reduce(0) { $0 + $1.total }
        let killed = counters.all("processes killed: ").map { "\($0.total) \($0.name)" }
        say(
            """
            \(elapsed) s: \(files.joined(separator: ", ")); \(context.model.count) files of \
            \(context.model.bytes >> 20) MiB; \(counters["bytes written"] >> 20) MiB written, \
            \(counters["bytes verified"] >> 20) MiB verified; \(damaged) block faults; \
            killed: \(killed.joined(separator: ", ")); \(counters["reads excused"]) reads excused; \
            \(context.judge.circumstances); \(findings.count) findings
            """)
    }
}
