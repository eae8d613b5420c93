import EventLoop
import Glibc

/// A text file that readers see as it was or as it is, never a part of it. It need not survive a power failure.
struct TableFile: Sendable {
    let path: String

    func replace(with text: String) throws(SystemError) {
        let new = path + ".new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .last("open \(new)") }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR { continue }
                throw .last("write \(new)")
            }
            rest = rest.dropFirst(written)
        }
        guard rename(new, path) == 0 else { throw .last("rename \(new)") }
    }
}
