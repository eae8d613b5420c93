import Daemon
import Directories
import EventLoop

/// A text file that readers see as it was or as it is, never a part of it. It need not survive a power failure.
struct TableFile: Sendable {
    let path: String

    func replace(with text: String) throws(SystemError) {
        try SystemError.of { () throws(DirectoryError) in
            try FileReplacement.replace(path, with: Array(text.utf8), .volatile)
        }
    }
}
