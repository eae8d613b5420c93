/// The bytes that a tag stands for: none of them zero, different for other tags and at other places.
public enum Pattern {
    public static func bytes(_ tag: Int, _ count: Int) -> [UInt8] {
        var state = UInt64(truncatingIfNeeded: tag) &* 0x9e37_79b9_7f4a_7c15 | 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(state >> 56) | 1
        }
    }
}
