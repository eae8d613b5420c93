/// A cursor over one version of a `MemoryStore`.
final class MemoryIterator: StoreIterator {
    private let tree: PersistentTree
    private let lower: [UInt8]
    private let upper: [UInt8]?
    private let failure: StoreError?
    private var current: PersistentTree.Node?

    init(_ tree: PersistentTree, _ lower: [UInt8], _ upper: [UInt8]?, failure: StoreError?) {
        self.tree = tree
        self.lower = lower
        self.upper = upper
        self.failure = failure
    }

    var isValid: Bool { current != nil }

    func seekToFirst() {
        moveTo(tree.first(from: lower, strictly: false))
    }

    func seekToLast() {
        moveTo(tree.last(upTo: upper, strictly: true))
    }

    func seek(_ key: [UInt8]) {
        moveTo(tree.first(from: KeyOrder.compare(key, lower) < 0 ? lower : key, strictly: false))
    }

    func seekForPrevious(_ key: [UInt8]) {
        if let upper, KeyOrder.compare(key, upper) >= 0 { return seekToLast() }
        moveTo(tree.last(upTo: key, strictly: false))
    }

    func next() {
        moveTo(tree.first(from: node.key, strictly: true))
    }

    func previous() {
        moveTo(tree.last(upTo: node.key, strictly: true))
    }

    var key: [UInt8] { node.key }
    var value: [UInt8] { node.value }

    func withEntry(_ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        let node = node
        node.key.withUnsafeBytes { key in node.value.withUnsafeBytes { body(key, $0) } }
    }

    func checkStatus() throws(StoreError) {
        if let failure { throw failure }
    }

    private var node: PersistentTree.Node {
        guard let current else { preconditionFailure("the cursor does not stand on an entry") }
        return current
    }

    private func moveTo(_ node: PersistentTree.Node?) {
        guard let node, KeyOrder.compare(node.key, lower) >= 0 else {
            current = nil
            return
        }
        current = upper.map { KeyOrder.compare(node.key, $0) < 0 } ?? true ? node : nil
    }
}
