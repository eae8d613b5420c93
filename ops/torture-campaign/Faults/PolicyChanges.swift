import Foundation
import Protocol

/// Changes how the files of a directory are to be stored, so that there is always something to defragment.
struct PolicyChanges {
    private let plan: FaultPlan
    private var random: SeededRandom
    private var next: Double
    private var changed: Set<String> = []

    init(_ plan: FaultPlan, seed: UInt64) {
        self.plan = plan
        random = SeededRandom(seed: seed)
        next = monotonicSeconds() + 10
    }

    /// Does what is due.
    mutating func tick() {
        guard monotonicSeconds() > next, let directory = LoadContext.directories.randomElement(using: &random) else {
            return
        }
        next = monotonicSeconds() + Double.random(in: 10..<40, using: &random)
        let isBack = changed.contains(directory)
        plan.ledger.note("\(isBack ? "root's policy again" : "another policy") for \(directory)")
        do {
            try plan.view.wait { [queries = plan.view.queries] in
                isBack
                    ? try await queries.inheritSpanPolicy(directory) : try await queries.changeSpanPolicy(directory)
            }
            if isBack { changed.remove(directory) } else { changed.insert(directory) }
            plan.counters.add("policies changed")
        } catch {
            plan.findings.add("the policy of \(directory) could not be changed: \(error)")
        }
    }
}
