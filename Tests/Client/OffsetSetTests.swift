import Client
import TestSupport
import Testing

/// Sets of offsets and maps of patches against arrays that have an element for each offset.
@Suite struct OffsetSetTests {
    private static let length = 200

    private static func range(_ generator: inout SeededGenerator) -> Range<UInt64> {
        let ends = [Int.random(in: 0...length, using: &generator), Int.random(in: 0...length, using: &generator)]
        return UInt64(ends.min() ?? 0)..<UInt64(ends.max() ?? 0)
    }

    @Test(arguments: 0..<20) func anySequenceOfChanges(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var set = OffsetSet()
        var model = Array(repeating: false, count: Self.length)
        for _ in 0..<300 {
            let range = Self.range(&generator)
            let adds = Bool.random(using: &generator)
            if adds { set.insert(range) } else { set.remove(range) }
            for offset in range { model[Int(offset)] = adds }
            #expect(set.ranges.allSatisfy { !$0.isEmpty })
            #expect(zip(set.ranges, set.ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
            #expect(Self.members(set.ranges) == model)
            let asked = Self.range(&generator)
            let part = model.enumerated().map { $1 && asked.contains(UInt64($0)) }
            #expect(Self.members(set.intersection(asked)) == part)
            #expect(set.intersects(asked) == part.contains(true))
            let next = set.next(after: asked.lowerBound)
            #expect(next?.upperBound ?? 0 > asked.lowerBound || !model[Int(asked.lowerBound)...].contains(true))
        }
    }

    @Test(arguments: 0..<20) func aMapHidesWhatWasWritten(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var map = PatchMap()
        // 0 is what shows, 1 data, 2 zeros.
        var model = Array(repeating: 0, count: Self.length)
        for _ in 0..<300 {
            let range = Self.range(&generator)
            let kind = Int.random(in: 0...2, using: &generator)
            switch kind {
            case 0: map.remove(range)
            case 1: map.write(range)
            default: map.zero(range)
            }
            for offset in range { model[Int(offset)] = kind }
            #expect(Self.members(map.data.ranges) == model.map { $0 == 1 })
            #expect(Self.members(map.zeros.ranges) == model.map { $0 == 2 })
            #expect(Self.members(map.touched.ranges) == model.map { $0 != 0 })
            #expect(map.end == UInt64((model.lastIndex { $0 != 0 } ?? -1) + 1))
            let asked = Self.range(&generator)
            let shown = asked.filter { model[Int($0)] == 0 }
            let hull = shown.first.flatMap { first in shown.last.map { first..<$0 + 1 } }
            #expect(map.visible(in: asked) == hull)
        }
    }

    private static func members(_ ranges: [Range<UInt64>]) -> [Bool] {
        var members = Array(repeating: false, count: length)
        for range in ranges { for offset in range { members[Int(offset)] = true } }
        return members
    }
}
