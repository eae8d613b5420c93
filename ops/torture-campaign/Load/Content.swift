import Foundation

/// The bytes of a file, computed from its seed wherever they are needed, so that nothing has to be kept to verify it.
struct Content: Hashable, Sendable {
    let seed: UInt64
    /// Bytes.
    let size: Int

    /// Some contents consist of zeros in places; so much at a time.
    private static let regionBytes = 64 << 10

    private var hasZeros: Bool { seed % 4 == 0 }
    /// Whether whoever writes it leaves zeros out, so that they become holes.
    var hasHoles: Bool { seed % 8 == 0 }

    /// Writes the bytes from `offset`, a multiple of 8, on.
    func fill(_ target: UnsafeMutableRawBufferPointer, at offset: Int) {
        precondition(offset % 8 == 0)
        var done = 0
        while done < target.count {
            let region = (offset + done) / Self.regionBytes
            let end = min(target.count, (region + 1) * Self.regionBytes - offset)
            let part = UnsafeMutableRawBufferPointer(rebasing: target[done..<end])
            if isZero(region) {
                part.initializeMemory(as: UInt8.self, repeating: 0)
            } else {
                fillRandom(part, firstWord: UInt64((offset + done) / 8))
            }
            done = end
        }
    }

    /// Whether everything in the range is zeros because the region is.
    func isHole(_ range: Range<Int>) -> Bool {
        guard hasHoles, !range.isEmpty else { return false }
        return (range.lowerBound / Self.regionBytes...(range.upperBound - 1) / Self.regionBytes).allSatisfy(isZero)
    }

    private func isZero(_ region: Int) -> Bool {
        hasZeros && SeededRandom.mix(seed ^ UInt64(region) &* 0xd6e8_feb8_6659_fd93) & 3 == 0
    }

    private func fillRandom(_ target: UnsafeMutableRawBufferPointer, firstWord: UInt64) {
        let words = target.count / 8
        for index in 0..<words {
            target.storeBytes(of: word(firstWord + UInt64(index)), toByteOffset: index * 8, as: UInt64.self)
        }
        guard target.count % 8 > 0 else { return }
        withUnsafeBytes(of: word(firstWord + UInt64(words))) { last in
            target[(words * 8)...].copyBytes(from: last.prefix(target.count % 8))
        }
    }

    private func word(_ index: UInt64) -> UInt64 {
        SeededRandom.mix(seed &+ index &* 0x9e37_79b9_7f4a_7c15)
    }
}
