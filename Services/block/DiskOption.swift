import ArgumentParser
import Protocol

/// A disk on the command line: `PATH:CLASS:FAILUREDOMAIN`.
struct DiskOption: ExpressibleByArgument, Hashable, Sendable {
    var path: String
    var storageClass: StorageClass
    var failureDomain: String

    init(path: String, storageClass: StorageClass, failureDomain: String) {
        self.path = path
        self.storageClass = storageClass
        self.failureDomain = failureDomain
    }

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 3, let domain = parts.last, (1...16).contains(domain.utf8.count) else { return nil }
        path = parts.dropLast(2).joined(separator: ":")
        let classes = ClassOption(argument: parts[parts.count - 2])?.classes ?? []
        guard !path.isEmpty, classes.count == 1 else { return nil }
        storageClass = classes[0]
        failureDomain = domain
    }
}

/// A storage class on the command line: `flash`, `hdd`, or `both`.
enum ClassOption: String, ExpressibleByArgument, Sendable {
    case flash, hdd, both

    init?(argument: String) { self.init(rawValue: argument.lowercased()) }

    /// The classes it stands for, with the name of each.
    var classes: [StorageClass] {
        switch self {
        case .flash: [.flash]
        case .hdd: [.hdd]
        case .both: [.flash, .hdd]
        }
    }
}

extension StorageClass {
    /// The name used on the command line and for directories.
    var optionName: String { self == .flash ? "flash" : "hdd" }
}

/// Many disks as directories below one: `ROOT/disk-N/CLASS`, dealt out to failure domains in turn.
struct DiskSet {
    static func disks(in root: String, count: Int, failureDomains: Int, prefix: String, classes: [StorageClass])
        -> [DiskOption]
    {
        (0..<count).flatMap { number in
            classes.map { storageClass in
                DiskOption(
                    path: "\(root)/disk-\(number)/\(storageClass.optionName)", storageClass: storageClass,
                    failureDomain: "\(prefix)\(number % failureDomains)")
            }
        }
    }
}
