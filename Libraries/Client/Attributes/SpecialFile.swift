import Protocol

/// A file that is no ordinary one: an inode and nothing else. Device numbers are those of st_rdev.
public enum SpecialFile: Hashable, Sendable {
    case fifo
    case socket
    case characterDevice(UInt64)
    case blockDevice(UInt64)
}

extension SpecialFile {
    /// Nil for an ordinary file, and for a kind that only newer clients know.
    init?(_ kind: SpecialFileKind, device: UInt64) {
        switch kind {
        case .fifo: self = .fifo
        case .socket: self = .socket
        case .characterDevice: self = .characterDevice(device)
        case .blockDevice: self = .blockDevice(device)
        default: return nil
        }
    }

    var kind: SpecialFileKind {
        switch self {
        case .fifo: .fifo
        case .socket: .socket
        case .characterDevice: .characterDevice
        case .blockDevice: .blockDevice
        }
    }

    var device: UInt64 {
        switch self {
        case .fifo, .socket: 0
        case .characterDevice(let device), .blockDevice(let device): device
        }
    }
}
