import DequeModule
import Mutations
import Protocol

/// Which files this client has finished, by which policies: their spans are all stored as those ask, and need not be
/// looked at one by one before another file refers to them. Who adds to a long file again and again would notice.
package struct FittingFiles {
    private static let limit = 4096

    private var policies: [InodeID: WritePolicies] = [:]
    private var oldestFirst = Deque<InodeID>()

    package init() {}

    package mutating func insert(_ file: InodeID, _ policies: WritePolicies) {
        guard self.policies.updateValue(policies, forKey: file) == nil else { return }
        oldestFirst.append(file)
        guard oldestFirst.count > Self.limit else { return }
        self.policies[oldestFirst.removeFirst()] = nil
    }

    package func contains(_ file: InodeID, _ policies: WritePolicies) -> Bool {
        guard let known = self.policies[file] else { return false }
        return known == policies || Mutation.oldPoliciesFit.isPlanted
    }
}
