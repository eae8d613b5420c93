import Protocol
import ReplicatedLog

/// A log on disk that is written, torn, damaged and opened again as a script says.
///
/// As long as only what was never synced has been touched, everything synced and not trimmed must come back. Whatever
/// was done to the files, opening them gives entries that were written, in order, or an error.
final class LogFuzzer {
    private static let instructions = 80
    private static let sector = 512
    private static let segmentBytes = 48 * sector

    private let folder: ScratchFolder
    private var store: SegmentedLogStore?
    private var model = LogModel()
    /// The files as they were at the last sync, or as that of the record before the newest one left them.
    private var synced: [String: [UInt8]] = [:]
    /// Something that was synced has been touched, or there are records that no log wrote.
    private var isDamaged = false

    init() throws {
        folder = try ScratchFolder()
        try open()
    }

    func run(_ script: inout FuzzScript) throws {
        for _ in 0..<Self.instructions {
            if script.isAtEnd { break }
            guard try step(&script) else { break }
        }
    }

    /// False when the log is past saving.
    private func step(_ script: inout FuzzScript) throws -> Bool {
        switch script.byte() % 12 {
        case 0, 1: return try write(&script, isSynced: true)
        case 2: return try write(&script, isSynced: false)
        case 3: return try trim(&script)
        case 4: return try reopen()
        case 5: return try tear(&script)
        case 6: try damage(&script)
        case 7: try cut(&script)
        case 8: try exchange(&script)
        case 9: try forge(&script)
        case 10: return try sync()
        default: try folder.write([UInt8](repeating: script.byte(), count: Int(script.byte()) * 8), to: "segment-9")
        }
        isDamaged = true
        return try reopen()
    }

    // MARK: Using the log

    private func open() throws {
        var options = LogStoreOptions()
        options.segmentBytes = Self.segmentBytes
        options.maximumBytes = 12 * Self.segmentBytes
        store = try SegmentedLogStore(directory: folder.path, options: options)
        synced = try folder.contents()
    }

    private func write(_ script: inout FuzzScript, isSynced: Bool) throws -> Bool {
        // The log never has two records that are not synced.
        try noteSync()
        var batch = LogBatch()
        for _ in 0...Int(script.byte() % 3) {
            let group = script.byte() % LogModel.groups
            let entry = [UInt8](repeating: script.byte(), count: Int(script.byte()) * 4)
            batch.append(model.append(entry, to: group), of: LogGroupID(rawValue: UInt32(group)))
        }
        return try using { store throws(LogError) in
            try store.write([batch])
            if isSynced { try store.sync() }
        } then: {
            if isSynced { try noteSync() }
        }
    }

    private func sync() throws -> Bool {
        try using { store throws(LogError) in
            try store.sync()
        } then: {
            try noteSync()
        }
    }

    private func noteSync() throws {
        model.sync()
        synced = try folder.contents()
    }

    private func trim(_ script: inout FuzzScript) throws -> Bool {
        let group = script.byte() % LogModel.groups
        let index = model.trim(group, keeping: Int(script.byte() % 8))
        return try using { store throws(LogError) in
            try store.trim(through: [LogGroupID(rawValue: UInt32(group)): index])
        } then: {
        }
    }

    /// After an error nobody knows what the disk holds: the log has to be opened again.
    private func using(_ body: (SegmentedLogStore) throws(LogError) -> Void, then: () throws -> Void) throws -> Bool {
        guard try isCarriedOut(body) else { return try reopen() }
        try then()
        return true
    }

    private func isCarriedOut(_ body: (SegmentedLogStore) throws(LogError) -> Void) throws(LogError) -> Bool {
        guard let store else { throw .closed }
        do throws(LogError) {
            try body(store)
            return true
        } catch .noSpace {
            return false
        }
    }

    private func reopen() throws -> Bool {
        store?.close()
        store = nil
        do {
            try open()
            _ = try store?.replay(after: model.flushed) { group, entry in
                try model.replayed(group, entry.index, entry.bytes, isForged: isDamaged)
            }
        } catch let error as LogError {
            guard isDamaged else { throw Finding("what was synced does not come back: \(error)") }
            return false
        }
        try model.endReplay(isDamaged: isDamaged)
        return true
    }

    // MARK: Touching the files

    /// A power failure: of each sector written since the last sync either the old or the new contents are there, or
    /// rubbish.
    private func tear(_ script: inout FuzzScript) throws -> Bool {
        store?.close()
        store = nil
        let files = try folder.contents()
        // Only the newest record may be torn.
        if let name = try folder.newestRecord(in: files), let new = files[name] {
            let old = synced[name] ?? [UInt8](repeating: 0, count: new.count)
            guard old.count == new.count else { return try reopen() }
            var mixed = new
            for start in stride(from: 0, to: new.count, by: Self.sector) {
                let sector = start..<min(start + Self.sector, new.count)
                guard old[sector] != new[sector] else { continue }
                switch script.byte() % 3 {
                case 0: mixed.replaceSubrange(sector, with: old[sector])
                case 1: break
                default: for index in sector { mixed[index] ^= script.byte() | 1 }
                }
            }
            try folder.write(mixed, to: name)
        }
        return try reopen()
    }

    private func damage(_ script: inout FuzzScript) throws {
        guard let (name, bytes) = try file(&script), !bytes.isEmpty else { return }
        var changed = bytes
        for _ in 0..<1 + script.byte() % 4 {
            let place = (Int(script.byte()) << 8 | Int(script.byte())) % bytes.count
            changed[place] ^= max(1, script.byte())
        }
        try folder.write(changed, to: name)
    }

    private func cut(_ script: inout FuzzScript) throws {
        guard let (name, bytes) = try file(&script) else { return }
        let kept = bytes.count * Int(script.byte()) / 255
        try kept == 0 ? folder.remove(name) : folder.write(Array(bytes.prefix(kept)), to: name)
    }

    private func exchange(_ script: inout FuzzScript) throws {
        guard let (one, bytes) = try file(&script), let (other, otherBytes) = try file(&script) else { return }
        try folder.write(otherBytes, to: one)
        try folder.write(bytes, to: other)
    }

    /// A record with a right hash and arbitrary contents.
    private func forge(_ script: inout FuzzScript) throws {
        guard let (name, bytes) = try file(&script), name != "identity", let identity = try folder.identity() else {
            return
        }
        let payload = script.counted()
        let number = model.recordGuess(script.byte())
        var record = LogRecord(
            number: number, firstNeeded: model.recordGuess(script.byte()),
            previousHash: number % 2 == 0 ? nil : UInt64(script.byte()), payloadCount: payload.count,
            entryCount: UInt32(script.byte()))
        var changed = bytes
        let start = Int(script.byte() % 8) * Self.sector
        let missing = start + record.storedSize - changed.count
        if missing > 0 { changed += [UInt8](repeating: 0, count: missing) }
        let place = start + record.format.headerSize
        changed.replaceSubrange(place..<place + payload.count, with: payload)
        changed.withUnsafeMutableBytes { bytes in
            record.seal(in: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]), identity: identity)
        }
        try folder.write(changed, to: name)
    }

    private func file(_ script: inout FuzzScript) throws -> (String, [UInt8])? {
        script.pick(try folder.contents().sorted { $0.key < $1.key }).map { ($0.key, $0.value) }
    }
}
