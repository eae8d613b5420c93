import Foundation

/// Decides whether a failed read is the campaign's own doing: only when it took away more blocks of one span than
/// parity makes up for. Where that cannot be found out, it is not: shards that do not answer are no excuse.
package final class ReadJudge: Sendable {
    package enum Verdict: Equatable, Sendable {
        case excused(String)
        case guilty(String)
    }

    private let spans: @Sendable (String) throws -> [SpanBlocks]
    private let ledger: Ledger
    private let impairments: Impairments
    private let notesPath: String
    /// How long shards may take to say where a file's blocks are.
    private let patienceSeconds: Double

    /// - Parameter spans: those of a file, by its path.
    package init(
        ledger: Ledger, impairments: Impairments, notesPath: String, patienceSeconds: Double = 60,
        spans: @escaping @Sendable (String) throws -> [SpanBlocks]
    ) {
        self.spans = spans
        self.ledger = ledger
        self.impairments = impairments
        self.notesPath = notesPath
        self.patienceSeconds = patienceSeconds
    }

    /// Why a file could not be read.
    package func judge(_ path: String, since began: Double) -> Verdict {
        // A connection that broke is noticed a little later.
        let services = impairments.services(since: began - 3)
        do {
            for span in try patientSpans(path) {
                let gone = span.blocks.filter { ledger.isDamaged($0.block) || services.contains($0.service) }
                if gone.count > span.parityBlocks {
                    return .excused("\(gone.count) blocks of the span at \(span.offset) are damaged or impaired")
                }
            }
            return .guilty("enough blocks are in reach")
        } catch {
            return .guilty("where its blocks are cannot be found out: \(error)")
        }
    }

    /// Asks again while shards are on their way back.
    private func patientSpans(_ path: String) throws -> [SpanBlocks] {
        let deadline = monotonicSeconds() + patienceSeconds
        while true {
            do {
                return try spans(path)
            } catch {
                guard monotonicSeconds() < deadline else { throw error }
                usleep(200_000)
            }
        }
    }

    /// What is impaired now, for messages.
    var circumstances: String { impairments.description }

    func note(_ text: String) { appendLine(text, to: notesPath) }
}
