import Mutations

// What observers are told of nodes' contents, and when they have heard it.

extension Filesystem {
    /// What observers remember of a node's content and attributes is no longer right.
    func contentChanged(_ node: Node) {
        notices += 1
        node.lastNotice = notices
        observer.contentChanged(node.id)
    }

    /// Returns once observers have forgotten what they were told to forget of a node, by whatever operation.
    func heard(of node: Node) async {
        guard node.lastNotice > heardNotices, !Mutation.noticesAreNotAwaited.isPlanted else { return }
        let told = notices
        await observer.heard()
        heardNotices = max(heardNotices, told)
    }
}
