import Client
import Protocol

extension InodeAttributes {
    /// The same inode with these instead. The time of a directory by which others know whether its names have changed
    /// stays.
    func with(_ stored: StoredAttributes) -> InodeAttributes {
        InodeAttributes(
            id: id, modified: id.isDirectory ? modified : stored.modified,
            accessed: id.isDirectory ? accessed : stored.accessed, size: size, stored: stored)
    }

    /// The same directory once a name in it means something else: what somebody chose as its time of change counts no
    /// more. Where nobody chose when it was read, that is the time of its names.
    func grown(at time: Timestamp) -> InodeAttributes {
        guard var stored else { return InodeAttributes(id: id, modified: time, accessed: time, size: size) }
        if stored.modified == modified, stored.accessed == modified { stored.accessed = time }
        (stored.modified, stored.changed) = (time, max(stored.changed, time))
        return InodeAttributes(id: id, modified: time, accessed: time, size: size, stored: stored)
    }
}
