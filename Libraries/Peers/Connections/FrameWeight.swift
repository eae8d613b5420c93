/// How much frames count for while they wait: their bytes and what surrounds them in memory.
struct FrameWeight {
    private(set) var ordinary = 0
    private(set) var urgent = 0

    init() {}

    init(_ frames: [EncodedFrame]) {
        for frame in frames { self += frame }
    }

    private static let overhead = 64

    static func of(_ frame: EncodedFrame) -> Int { frame.bytes.count + overhead }

    static func += (weight: inout FrameWeight, frame: EncodedFrame) {
        if frame.isUrgent { weight.urgent += of(frame) } else { weight.ordinary += of(frame) }
    }

    static func -= (weight: inout FrameWeight, other: FrameWeight) {
        weight.ordinary -= other.ordinary
        weight.urgent -= other.urgent
    }
}
