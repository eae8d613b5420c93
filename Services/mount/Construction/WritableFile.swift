import Client
import Protocol

/// A finished file opened for writing: it can be continued at its end, or truncated to nothing. Confined to the mount.
final class WritableFile {
    let reader: FileReader
    /// The kernel's number for it.
    let number: UInt64
    /// The thread that opened it.
    let opener: Int32
    /// The name it had then.
    let place: Place?
    /// The kernel caches nothing of what goes through this handle.
    let isDirect: Bool
    /// The first error, which close(2) will tell again.
    var failure: Errno?

    init(reader: FileReader, number: UInt64, opener: Int32, place: Place?, isDirect: Bool) {
        self.reader = reader
        self.number = number
        self.opener = opener
        self.place = place
        self.isDirect = isDirect
    }
}
