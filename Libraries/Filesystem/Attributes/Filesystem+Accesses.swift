import Logging
import Protocol

extension Filesystem {
    /// Access times that are being set. More are left to the next reader: nobody waits for them.
    private static let accessLimit = 64

    /// A finished file is opened for reading. That counts as reading it: what observers have cached they do not read.
    func noteAccess(_ node: Node, _ attributes: Attributes) {
        let now = now()
        guard accessesUnderWay < Self.accessLimit,
            options.accessTimes.isDue(accessed: attributes.accessed, modified: attributes.modified, now: now)
        else { return }
        let content = node.content
        node.accessed(now)
        accessesUnderWay += 1
        loop.task { await self.setAccessed(content, now) }
    }

    private func setAccessed(_ content: InodeID, _ time: Timestamp) async {
        defer { accessesUnderWay -= 1 }
        do {
            try await client.setTimes(content, accessed: time)
        } catch {
            logger.debug("an access time was not set: \(error)")
        }
    }
}
