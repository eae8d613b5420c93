import Protocol

/// A name in a directory.
package struct Place: Hashable, Sendable {
    package var directory: InodeID
    package var name: [UInt8]

    package init(directory: InodeID, name: [UInt8]) {
        self.directory = directory
        self.name = name
    }
}
