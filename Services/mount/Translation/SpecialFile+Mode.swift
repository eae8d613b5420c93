import Client
import Glibc

extension SpecialFile {
    /// From the mode and device of mknod(2); nil for an ordinary file.
    package init?(mode: mode_t, device: dev_t) {
        switch mode & S_IFMT {
        case S_IFIFO: self = .fifo
        case S_IFSOCK: self = .socket
        case S_IFCHR: self = .characterDevice(UInt64(device))
        case S_IFBLK: self = .blockDevice(UInt64(device))
        default: return nil
        }
    }

    /// For st_mode.
    var kind: mode_t {
        switch self {
        case .fifo: S_IFIFO
        case .socket: S_IFSOCK
        case .characterDevice: S_IFCHR
        case .blockDevice: S_IFBLK
        }
    }

    /// For st_rdev.
    var deviceNumber: dev_t {
        switch self {
        case .fifo, .socket: 0
        case .characterDevice(let number), .blockDevice(let number): dev_t(number)
        }
    }
}
