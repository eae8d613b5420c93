/// How much frames count for while they wait, by their priorities: their bytes and what surrounds them in memory.
struct FrameWeight {
    private var bytes = [Int](repeating: 0, count: FramePriority.allCases.count)

    init() {}

    init(_ frames: [EncodedFrame]) {
        for frame in frames { self += frame }
    }

    private static let overhead = 64

    static func of(_ frame: EncodedFrame) -> Int { frame.bytes.count + overhead }

    subscript(priority: FramePriority) -> Int { bytes[priority.rawValue] }

    var total: Int { bytes.reduce(0, +) }

    static func += (weight: inout FrameWeight, frame: EncodedFrame) {
        weight.bytes[frame.priority.rawValue] += of(frame)
    }

    static func -= (weight: inout FrameWeight, other: FrameWeight) {
        for place in weight.bytes.indices { weight.bytes[place] -= other.bytes[place] }
    }
}
