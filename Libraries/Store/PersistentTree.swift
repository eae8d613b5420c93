/// An ordered map whose versions share structure (an AVL tree with path copying): keeping an old version costs nothing
/// but memory, which is what snapshots and simulated crashes need. Changes and look-ups take O(log n).
struct PersistentTree: Sendable {
    final class Node: Sendable {
        let key: [UInt8]
        let value: [UInt8]
        let left: Node?
        let right: Node?
        let height: Int

        init(_ key: [UInt8], _ value: [UInt8], _ left: Node?, _ right: Node?) {
            self.key = key
            self.value = value
            self.left = left
            self.right = right
            height = 1 + max(left?.height ?? 0, right?.height ?? 0)
        }

        func with(left: Node?, right: Node?) -> Node { Node(key, value, left, right) }
    }

    private(set) var root: Node?

    func node(_ key: UnsafeRawBufferPointer) -> Node? {
        var current = root
        while let node = current {
            let order = node.key.withUnsafeBytes { KeyOrder.compare(key, $0) }
            if order == 0 { return node }
            current = order < 0 ? node.left : node.right
        }
        return nil
    }

    /// The node with the smallest key ≥ `key` (> `key` when `strictly`).
    func first(from key: [UInt8], strictly: Bool) -> Node? {
        var best: Node?
        var current = root
        while let node = current {
            let order = KeyOrder.compare(key, node.key)
            if order < 0 || (order == 0 && !strictly) {
                best = node
                current = node.left
            } else {
                current = node.right
            }
        }
        return best
    }

    /// The node with the largest key ≤ `key` (< `key` when `strictly`); with nil the largest of all.
    func last(upTo key: [UInt8]?, strictly: Bool) -> Node? {
        var best: Node?
        var current = root
        while let node = current {
            let order = key.map { KeyOrder.compare($0, node.key) } ?? 1
            if order > 0 || (order == 0 && !strictly) {
                best = node
                current = node.right
            } else {
                current = node.left
            }
        }
        return best
    }

    mutating func put(_ key: [UInt8], _ value: [UInt8]) {
        root = Self.put(root, key, value)
    }

    mutating func delete(_ key: [UInt8]) {
        root = Self.delete(root, key)
    }

    private static func put(_ node: Node?, _ key: [UInt8], _ value: [UInt8]) -> Node {
        guard let node else { return Node(key, value, nil, nil) }
        let order = KeyOrder.compare(key, node.key)
        if order == 0 { return Node(key, value, node.left, node.right) }
        return order < 0
            ? balanced(node, put(node.left, key, value), node.right)
            : balanced(node, node.left, put(node.right, key, value))
    }

    private static func delete(_ node: Node?, _ key: [UInt8]) -> Node? {
        guard let node else { return nil }
        let order = KeyOrder.compare(key, node.key)
        if order < 0 { return balanced(node, delete(node.left, key), node.right) }
        if order > 0 { return balanced(node, node.left, delete(node.right, key)) }
        guard let right = node.right else { return node.left }
        guard node.left != nil else { return right }
        var successor = right
        while let left = successor.left { successor = left }
        return balanced(successor, node.left, delete(right, successor.key))
    }

    /// A node with the entry of `entry` over two subtrees whose heights differ by at most two.
    private static func balanced(_ entry: Node, _ left: Node?, _ right: Node?) -> Node {
        let (leftHeight, rightHeight) = (left?.height ?? 0, right?.height ?? 0)
        if leftHeight > rightHeight + 1, let left {
            guard let inner = left.right, inner.height > (left.left?.height ?? 0) else {
                return left.with(left: left.left, right: entry.with(left: left.right, right: right))
            }
            return inner.with(
                left: left.with(left: left.left, right: inner.left), right: entry.with(left: inner.right, right: right))
        }
        if rightHeight > leftHeight + 1, let right {
            guard let inner = right.left, inner.height > (right.right?.height ?? 0) else {
                return right.with(left: entry.with(left: left, right: right.left), right: right.right)
            }
            return inner.with(
                left: entry.with(left: left, right: inner.left),
                right: right.with(left: inner.right, right: right.right))
        }
        return entry.with(left: left, right: right)
    }
}
