import Consensus
import Wire

/// The log's secret number and the version of its format, in the file `identity`: "sterna log V\n" and 8 bytes.
struct LogIdentity {
    /// 1: no record has a copy. 2: the newest record has one. 3: records are chained. 4: leaders begin their terms.
    enum Version: Character, CaseIterable {
        case withoutCopies = "1"
        case withCopies = "2"
        case chained = "3"
        case withTerms = "4"

        static let newest = Version.withTerms

        fileprivate var magic: [UInt8] { Array("sterna log \(rawValue)\n".utf8) }
    }

    static let name = "identity"

    let number: UInt64
    let version: Version

    /// Whether the newest record stands in two places.
    var hasCopies: Bool { version != .withoutCopies }

    /// Tells one log from another, and nothing of the number, which shows what has been written here.
    var incarnation: Incarnation {
        let secret = (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
        let code = KeyedHash.code(of: Array("incarnation".utf8), key: secret)
        return Incarnation(rawValue: code.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// Reads the identity; draws and stores one when the log is new. With `mustExist` a new log is `.missing`.
    static func open(_ disk: any LogDisk, mustExist: Bool) throws(LogError) -> LogIdentity {
        let names = try disk.names()
        if names.contains(name) { return try read(disk) }
        let path = "\(disk.path)/\(name)"
        guard !names.contains(where: { SegmentName.number($0) != nil }) else { throw .corruption("\(path) is missing") }
        guard !mustExist else { throw .missing(path) }
        let identity = LogIdentity(number: .random(in: 1...UInt64.max), version: .newest)
        try identity.store(on: disk)
        return identity
    }

    private static func read(_ disk: any LogDisk) throws(LogError) -> LogIdentity {
        let file = try disk.open(name, create: false)
        let magicCount = Version.newest.magic.count
        let bytes = try file.bytes(at: 0, count: magicCount + 8)
        guard let version = Version.allCases.first(where: { bytes.starts(with: $0.magic) }) else {
            throw .corruption("\(file.path) is not the identity of a log that this version knows")
        }
        let number = bytes[magicCount...].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        return LogIdentity(number: number, version: version)
    }

    /// Makes it the identity of the log, durably.
    func store(on disk: any LogDisk) throws(LogError) {
        let temporary = Self.name + SegmentName.unfinished
        do {
            let file = try disk.open(temporary, create: true)
            try file.write(version.magic + (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }, at: 0)
            try file.sync()
        }
        try disk.rename(temporary, to: Self.name, replacing: true)
        try disk.sync()
    }
}
