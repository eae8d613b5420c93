/// What a disk does wrong below some path until it is told otherwise.
package struct Fault: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case failWrite = "fail-write"
        case failSync = "fail-sync"
        case failResize = "fail-resize"
        /// Listings break off before their end.
        case failList = "fail-list"
        /// A disk that lies.
        case ignoreSync = "ignore-sync"
        case full
    }

    package let kind: Kind
    /// From the root of the disk.
    package let path: String
    /// How often; nil for always.
    package var times: Int?

    package init(_ kind: Kind, below path: String, times: Int? = nil) {
        self.kind = kind
        self.path = path
        self.times = times
    }

    func meets(_ kind: Kind, _ node: Node) -> Bool {
        guard kind == self.kind, times != 0 else { return false }
        let found = node.path
        return path == "/" || found == path || found.hasPrefix(path + "/")
    }
}
