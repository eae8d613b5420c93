/// Where one group keeps what in a store that it shares with others: everything of it begins with its prefix.
///
/// Behind the prefix, a key of the state itself (of generation 0, which every state begins with) goes on with a byte
/// below 0xfe; 0xfe alone is the record that names the current generation; 0xff and a number lead the other ones.
struct GroupKeys: Sendable {
    let prefix: [UInt8]

    private static let pointerMark: UInt8 = 0xfe
    private static let generationMark: UInt8 = 0xff

    /// Whether something begins with this byte behind the prefix that is no key of a state.
    static func isReserved(_ byte: UInt8) -> Bool { byte >= pointerMark }

    /// The first key after those of a generation, all of which begin with `start`.
    static func end(of start: [UInt8]) -> [UInt8] { start + [pointerMark] }

    /// The record that names the current generation. All keys of generation 0 lie before it.
    var pointer: [UInt8] { Self.end(of: prefix) }

    /// Where a generation above 0 keeps what follows on the group's prefix in a key of the state.
    func stored(_ rest: UnsafeRawBufferPointer, in generation: UInt32) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(prefix.count + 5 + rest.count)
        key += prefix
        key.append(Self.generationMark)
        withUnsafeBytes(of: generation.bigEndian) { key += $0 }
        key += rest
        return key
    }

    /// Everything of the generations above 0.
    var generations: KeyRange {
        KeyRange(lower: prefix + [Self.generationMark], upper: KeyOrder.upperBound(ofPrefix: prefix))
    }

    /// The generation, above 0, that a stored key among `generations` belongs to; nil: to none.
    func generation(of stored: [UInt8]) -> UInt32? {
        let number = stored.dropFirst(prefix.count + 1).prefix(4)
        return number.count == 4 ? number.reduce(0) { $0 << 8 | UInt32($1) } : nil
    }

    /// What follows on the prefix in a key that the group holds.
    func rest(of key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: key[prefix.count...])
    }

    /// Whether a key of the state can be called so: it is of this group, and nothing that is reserved.
    func holds(_ key: UnsafeRawBufferPointer) -> Bool {
        guard key.count > prefix.count, !Self.isReserved(key[prefix.count]) else { return false }
        return prefix.withUnsafeBytes { KeyOrder.compare(UnsafeRawBufferPointer(rebasing: key[..<$0.count]), $0) == 0 }
    }

    /// The group's whole part of the store, in order, without the pointer and without the generations `kept`.
    func ranges(besides kept: [UInt32]) -> [KeyRange] {
        var ranges = kept.contains(0) ? [] : [KeyRange(lower: prefix, upper: pointer)]
        var rest = generations
        for generation in kept.sorted() where generation > 0 {
            let keys = GenerationKeys(self, generation)
            ranges.append(KeyRange(lower: rest.lower, upper: keys.start))
            rest.lower = keys.end
        }
        return ranges + [rest]
    }
}
