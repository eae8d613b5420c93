/// Frames in the order they came.
struct FrameQueue {
    private var frames: [EncodedFrame?] = []
    private var head = 0

    var isEmpty: Bool { head == frames.count }

    mutating func append(_ frame: EncodedFrame) { frames.append(frame) }

    mutating func popFirst() -> EncodedFrame? {
        guard !isEmpty else { return nil }
        let frame = frames[head]
        frames[head] = nil
        head += 1
        // Moving the rest costs as much as what was taken since it was moved last.
        if head > frames.count / 2 {
            frames.removeFirst(head)
            head = 0
        }
        return frame
    }
}
