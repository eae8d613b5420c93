import Synchronization

/// Which trees of names there must be in the end. Thread-safe.
package final class NameJudge: Sendable {
    package struct Case: Sendable {
        let root: String
        /// What a cut-off change was, if one was.
        let what: String?
        /// Each of them is right; nil for none at all.
        let outcomes: [NameTree?]
    }

    private let cases = Mutex<[Case]>([])

    package init() {}

    /// Nobody changes the tree any more.
    package func close(_ tree: NameTree) {
        cases.withLock { $0.append(Case(root: tree.root, what: nil, outcomes: [tree])) }
    }

    /// A change was cut off; nobody touches the tree any more.
    package func doubt(_ what: String, _ root: String, before: NameTree?, after: NameTree?) {
        cases.withLock { $0.append(Case(root: root, what: what, outcomes: [before, after])) }
    }

    package var all: [Case] { cases.withLock { $0 } }

    /// What is wrong with what was found of a tree, for people; nil when nothing is.
    package static func fault(_ found: NameTree?, _ wanted: Case) -> String? {
        var differences: [String] = []
        for outcome in wanted.outcomes {
            switch (found, outcome) {
            case (nil, nil): return nil
            case (nil, _?): differences.append("it is not there")
            case (_?, nil): differences.append("it is there")
            case (let found?, let outcome?):
                guard let difference = found.difference(from: outcome) else { return nil }
                differences.append(difference)
            }
        }
        let cut = wanted.what.map { "; it is neither as before nor as after \($0), which was cut off" } ?? ""
        return "\(wanted.root): \(differences.joined(separator: ", or "))\(cut)"
    }
}
