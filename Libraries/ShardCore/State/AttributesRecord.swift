import Protocol
import Wire

/// What is stored of an inode's attributes, as the last part of its record; no byte where all is the default.
package struct AttributesRecord: WireValue, Hashable {
    /// Where the ownership stands.
    package enum OwnershipPlace: Hashable, Sendable {
        /// Nowhere: it is the cluster's default.
        case nowhere
        /// In the shard's list of those that its inodes have.
        case listed(UInt32)
        /// Here, because the list is full.
        case here(InodeOwnership)
    }

    /// What makes an empty file a special one.
    package struct Special: Hashable, Sendable {
        package var kind: SpecialFileKind
        package var device: UInt64

        package init(kind: SpecialFileKind, device: UInt64) {
            self.kind = kind
            self.device = device
        }
    }

    /// Times that somebody gave a directory.
    package struct DirectoryTimes: Hashable, Sendable {
        /// The directory's own time when that was done: `modified` means nothing when it has gone on since.
        package var version: Timestamp
        package var modified: Timestamp
        package var accessed: Timestamp

        package init(version: Timestamp, modified: Timestamp, accessed: Timestamp) {
            self.version = version
            self.modified = modified
            self.accessed = accessed
        }
    }

    /// That there is a record of extended attributes.
    package struct Extended: Hashable, Sendable {
        /// Of their encoded list.
        package var bytes: UInt16
        /// When they were stored; of no two lists of an inode the same.
        package var version: Timestamp

        package init(bytes: UInt16, version: Timestamp) {
            self.bytes = bytes
            self.version = version
        }
    }

    package var ownership = OwnershipPlace.nowhere
    /// The ctime, if something was changed after the inode was made.
    package var changed: Timestamp?
    package var special: Special?
    package var times: DirectoryTimes?
    package var extended: Extended?
    /// How many of a file's bytes are zeros that take no room.
    package var holes: UInt64 = 0
    /// The directory in which a directory was that has been removed.
    package var formerOwner: InodeID?

    package init() {}

    /// Whether they are those of an ordinary file of which nobody has said whose it is; only times may be stored.
    package var isPlain: Bool { ownership == .nowhere && extended == nil && special == nil }

    /// Whether nothing is stored.
    package var isEmpty: Bool { flags.isEmpty }

    private struct Flags: OptionSet {
        var rawValue: UInt8
        static let listed = Flags(rawValue: 1)
        static let here = Flags(rawValue: 2)
        static let changed = Flags(rawValue: 4)
        static let special = Flags(rawValue: 8)
        static let times = Flags(rawValue: 16)
        static let extended = Flags(rawValue: 32)
        static let holes = Flags(rawValue: 64)
        static let formerOwner = Flags(rawValue: 128)
        static let all: Flags = [.listed, .here, .changed, .special, .times, .extended, .holes, .formerOwner]
    }

    private var flags: Flags {
        var flags: Flags = []
        switch ownership {
        case .nowhere: break
        case .listed: flags.insert(.listed)
        case .here: flags.insert(.here)
        }
        if changed != nil { flags.insert(.changed) }
        if special != nil { flags.insert(.special) }
        if times != nil { flags.insert(.times) }
        if extended != nil { flags.insert(.extended) }
        if holes > 0 { flags.insert(.holes) }
        if formerOwner != nil { flags.insert(.formerOwner) }
        return flags
    }

    package static var minimumWireSize: Int { 5 }

    /// 0 when there is nothing to store: then nothing is written either.
    package var encodedSize: Int {
        if isEmpty { return 0 }
        let owned = switch ownership {
        case .nowhere: 0
        case .listed: 4
        case .here(let ownership): ownership.encodedSize
        }
        return 1 + owned + (changed == nil ? 0 : 8) + (special == nil ? 0 : 9) + (times == nil ? 0 : 24)
            + (extended == nil ? 0 : 10) + (holes == 0 ? 0 : 8) + (formerOwner == nil ? 0 : 8)
    }

    package init(from reader: inout WireReader) throws(DecodeError) {
        let flags = Flags(rawValue: try reader.read())
        // What says nothing is not written.
        guard !flags.isEmpty, flags.isSubset(of: .all), !flags.isSuperset(of: [.listed, .here]) else {
            throw .invalidValue
        }
        if flags.contains(.listed) { ownership = .listed(try reader.read()) }
        if flags.contains(.here) { ownership = .here(try reader.read()) }
        if flags.contains(.changed) { changed = try reader.read() }
        if flags.contains(.special) { special = Special(kind: try reader.read(), device: try reader.read()) }
        if flags.contains(.times) {
            times = DirectoryTimes(
                version: try reader.read(), modified: try reader.read(), accessed: try reader.read())
        }
        if flags.contains(.extended) {
            extended = Extended(bytes: try reader.read(), version: try reader.read())
        }
        if flags.contains(.holes) {
            holes = try reader.read()
            guard holes > 0 else { throw .invalidValue }
        }
        if flags.contains(.formerOwner) { formerOwner = try reader.read() }
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        if isEmpty { return }
        try writer.write(flags.rawValue)
        switch ownership {
        case .nowhere: break
        case .listed(let number): try writer.write(number)
        case .here(let ownership): try writer.write(ownership)
        }
        if let changed { try writer.write(changed) }
        if let special {
            try writer.write(special.kind)
            try writer.write(special.device)
        }
        if let times {
            try writer.write(times.version)
            try writer.write(times.modified)
            try writer.write(times.accessed)
        }
        if let extended {
            try writer.write(extended.bytes)
            try writer.write(extended.version)
        }
        if holes > 0 { try writer.write(holes) }
        if let formerOwner { try writer.write(formerOwner) }
    }
}

/// An `AttributesRecord` that takes no room in memory where it is empty, as it is of most inodes.
enum AttributesBox: Hashable, Sendable {
    case nothing
    indirect case stored(AttributesRecord)

    var record: AttributesRecord {
        get {
            if case .stored(let record) = self { record } else { AttributesRecord() }
        }
        set { self = newValue.isEmpty ? .nothing : .stored(newValue) }
    }

    /// Roughly, beyond the box itself.
    var memoryBytes: Int {
        if case .nothing = self { 0 } else { 128 }
    }
}
