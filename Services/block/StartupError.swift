import Protocol

/// Why the service must not start.
enum StartupError: Error, CustomStringConvertible {
    case wrongFailureDomain(path: String, registered: FailureDomain, configured: FailureDomain)
    case otherDisk(path: String, found: BlockServiceID, expected: BlockServiceID)
    case sameDisk(first: String, second: String)

    var description: String {
        switch self {
        case .wrongFailureDomain(let path, let registered, let configured):
            "the registry knows the disk at \(path) in failure domain \(registered), it is configured for "
                + "\(configured): move it back, or correct the configuration"
        case .otherDisk(let path, let found, let expected):
            "the disk at \(path) is block service \(found), the registry expects \(expected) there: mount the right "
                + "disk, or decommission \(expected) first"
        case .sameDisk(let first, let second):
            "the disks at \(first) and \(second) have the same key: one is a copy of the other"
        }
    }
}
