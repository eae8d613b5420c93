import Foundation

/// Decides whether a failed read is the campaign's own doing: only when it took away more blocks of one span than
/// parity makes up for.
final class ReadJudge: Sendable {
    private let cluster: ClusterView
    private let ledger: Ledger
    private let impairments: Impairments
    private let notesPath: String

    init(cluster: ClusterView, ledger: Ledger, impairments: Impairments, notesPath: String) {
        self.cluster = cluster
        self.ledger = ledger
        self.impairments = impairments
        self.notesPath = notesPath
    }

    /// Why a file could not be read, or nil when there is no good reason.
    func excuse(for path: String, since began: Double) -> String? {
        // A connection that broke is noticed a little later.
        let services = impairments.services(since: began - 3)
        do {
            for span in try cluster.spans(ofPath: path) {
                let gone = span.blocks.filter { ledger.isDamaged($0.block) || services.contains($0.service) }
                if gone.count > span.parityBlocks {
                    return "\(gone.count) blocks of the span at \(span.offset) are damaged or impaired"
                }
            }
            return nil
        } catch {
            return "its spans are not known: \(error)"
        }
    }

    /// What is impaired now, for messages.
    var circumstances: String { impairments.description }

    func note(_ text: String) { appendLine(text, to: notesPath) }
}
