import Client

extension InodeAttributes {
    /// The same inode with these instead. The time of a directory by which others know whether its names have changed
    /// stays.
    func with(_ stored: StoredAttributes) -> InodeAttributes {
        InodeAttributes(
            id: id, modified: id.isDirectory ? modified : stored.modified,
            accessed: id.isDirectory ? accessed : stored.accessed, size: size, stored: stored)
    }
}
