import Erasure
import Protocol

/// Writes the body of a request after a template, each field chosen by the script: usually something that an earlier
/// answer told, sometimes anything at all.
struct ShardRequestWriter {
    let known: KnownValues
    let shard: ShardID
    let now: UInt64

    private(set) var body = BodyWriter()
    private var edge = KnownValues.NamedEdge(directory: .root, name: [1], target: .null, time: .zero)
    private(set) var span = KnownValues.KnownSpan(file: .null, byteOffset: 0, blocks: [])
    private(set) var file = KnownValues.OpenFile(id: .null, cookie: Cookie(rawValue: 0))

    init(_ known: KnownValues, _ shard: ShardID, now: UInt64) {
        self.known = known
        self.shard = shard
        self.now = now
    }

    static func body(
        _ fields: String, _ known: KnownValues, _ shard: ShardID, now: UInt64, _ script: inout FuzzScript
    ) throws -> [UInt8] {
        var writer = ShardRequestWriter(known, shard, now: now)
        for letter in fields.utf8 { try writer.field(letter, &script) }
        return writer.body.bytes
    }

    /// Fields until a letter says stop.
    static func arbitraryBody(
        _ known: KnownValues, _ shard: ShardID, now: UInt64, _ script: inout FuzzScript
    ) throws -> [UInt8] {
        let letters = Array("efsDXNTJCPVEBFcdinkzmqwoxyhbIAL".utf8)
        var writer = ShardRequestWriter(known, shard, now: now)
        for _ in 0..<16 {
            let letter = Int(script.byte())
            guard letter > 0 else { break }
            try writer.field(letters[letter % letters.count], &script)
        }
        return writer.body.bytes
    }

    private mutating func field(_ letter: UInt8, _ script: inout FuzzScript) throws {
        switch Character(UnicodeScalar(letter)) {
        case "e": edge = script.pick(known.edges) ?? edge
        case "s": span = script.pick(known.spans) ?? span
        case "f": file = script.pick(known.files) ?? file
        case "D": body.integer(edge.directory.rawValue)
        case "X": body.integer(edge.target.rawValue)
        case "N": body.counted(edge.name)
        case "T": body.integer(edge.time.nanoseconds)
        case "J": body.integer(span.file.rawValue)
        case "P": body.integer(span.byteOffset)
        case "C": try body.value(known.cookie(of: span.file) ?? file.cookie)
        case "V", "E": try body.list(proofs(erased: letter == UInt8(ascii: "E"), &script))
        case "B": try body.list(span.blocks.map(\.id))
        case "F": body.integer(file.id.rawValue)
        case "c": try body.value(file.cookie)
        case "b": body.integer((script.pick(span.blocks)?.id ?? BlockID(rawValue: 0)).rawValue)
        default: try choice(letter, &script)
        }
    }

    private mutating func choice(_ letter: UInt8, _ script: inout FuzzScript) throws {
        switch Character(UnicodeScalar(letter)) {
        case "d": body.integer((script.pick(known.directories) ?? .root).rawValue)
        case "i": body.integer((script.pick(known.inodes) ?? .root).rawValue)
        case "n": body.counted(name(&script))
        case "k": body.integer(InodeType.file.rawValue + script.byte() % 4)
        case "z": body.counted([UInt8](repeating: script.byte(), count: Int(script.byte() % 32)))
        case "m": body.integer([0, 8972, 1, 200, 576, .max][Int(script.byte()) % 6] as UInt16)
        case "q": body.integer(number(&script))
        case "w": body.integer([0, 1, 4096, 8192, 1 << 20, .max][Int(script.byte()) % 6] as UInt32)
        case "o": body.integer(offset(&script))
        case "x": body.integer(directory(&script).rawValue)
        case "y": body.integer(script.byte())
        case "h": body.integer(UInt16(script.byte()))
        case "I": try body.value(info(&script))
        case "A": try newSpan(&script)
        case "L": try inlineSpan(&script)
        // No span: storage class, offset, size, checksum, body.
        case "Z": for _ in 0..<18 { body.integer(0 as UInt8) }
        case "R": try sharedRange(&script)
        // What kind of special file, usually none, and its device number, usually 0.
        case "O": body.integer([0, 0, 0, 1, 2, 6, 12, 5][Int(script.byte()) % 8] as UInt8)
        case "U": body.integer([0, 0, 0, 7][Int(script.byte()) % 4] as UInt64)
        case "a": try attributeChange(&script)
        // Usually nobody's.
        case "p":
            body.integer([.max, .max, 0o600, 0o4755, 0xF000][Int(script.byte()) % 5] as UInt16)
            for _ in 0..<2 { body.integer([.max, .max, 0, 7][Int(script.byte()) % 4] as UInt32) }
        default: preconditionFailure("no such field")
        }
    }

    mutating func write(_ request: some WireValue) throws { try body.value(request) }

    // MARK: Fields

    private func name(_ script: inout FuzzScript) -> [UInt8] {
        let byte = script.byte()
        switch byte {
        case 0..<200: return Array("n\(byte % 8)".utf8)
        case 200..<230: return script.pick(known.edges)?.name ?? []
        case 230..<240: return [UInt8](repeating: UInt8(ascii: "l"), count: 255)
        default: return script.counted()
        }
    }

    private func number(_ script: inout FuzzScript) -> UInt64 {
        let byte = script.byte()
        return switch byte {
        case 0..<128: 1 << UInt64(byte % 64)
        case 128..<160: now &- UInt64(byte)
        case 160..<192: .max &- UInt64(byte % 32)
        case 192..<224: UInt64(byte % 32)
        default: script.word()
        }
    }

    func offset(_ script: inout FuzzScript) -> UInt64 {
        let byte = script.byte()
        return switch byte {
        case 0..<64: file.end
        case 64..<128: UInt64(byte % 8) * 4096
        case 128..<192: span.byteOffset
        default: number(&script)
        }
    }

    /// A directory that may or may not exist, seldom one of another shard.
    private func directory(_ script: inout FuzzScript) -> InodeID {
        let byte = script.byte()
        let home = byte < 240 ? shard : ShardID(rawValue: 77)
        return InodeID(type: .directory, shard: home, index: UInt64(byte % 16) + 1)
    }

    /// Usually one that is possible.
    private mutating func attributeChange(_ script: inout FuzzScript) throws {
        let byte = script.byte()
        var change = InodeAttributeChange.nothing
        if byte & 1 == 1 { change.ownership.mode = UInt16(script.byte()) * 17 }
        if byte & 2 == 2 { change.ownership.uid = UInt32(script.byte() % 4) }
        if byte & 4 == 4 { change.ownership.gid = UInt32(script.byte() % 4) }
        if byte & 8 == 8 { change.mtime = number(&script) }
        if byte & 16 == 16 { change.atime = number(&script) }
        for _ in 0..<Int(byte >> 5) % 4 {
            let kind = script.byte()
            let name = kind < 240 ? [97 + kind % 4] : script.counted()
            let length = [0, 1, 40, 1400, 4079][Int(script.byte()) % 5]
            change.extended.append(
                ExtendedAttributeChange(
                    operation: ExtendedOperation(rawValue: kind >> 4 & 3), name: name,
                    value: [UInt8](repeating: kind, count: length)))
        }
        try write(change)
    }

    private func info(_ script: inout FuzzScript) throws -> DirectoryInfo {
        var info = try DirectoryInfo.sternaRootDefault()
        let kept = script.byte()
        guard kept > 0 else { return info }
        info.entries = info.entries.enumerated().filter { kept >> UInt8($0.offset % 8) & 1 == 1 }.map(\.element)
        if kept >= 0x80, !info.entries.isEmpty { info.entries[0].body = script.counted() }
        return info
    }

    private func proofs(erased: Bool, _ script: inout FuzzScript) -> [BlockProof] {
        var proofs = span.blocks.map { FuzzServices.proof($0.service, $0.id, erased: erased) }
        // Seldom one is missing, wrong or doubled.
        let byte = script.byte()
        guard byte >= 0xC0, let last = proofs.last else { return proofs }
        switch byte % 3 {
        case 0: proofs.removeLast()
        case 1: proofs[proofs.count - 1].proof = MAC(rawValue: last.proof.rawValue ^ 1)
        default: proofs.append(last)
        }
        return proofs
    }
}
