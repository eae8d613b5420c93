/// Some frames as they go over a connection, one behind the other. Frees its memory with its last reference.
final class SealedChunk {
    private let memory: UnsafeMutableRawBufferPointer
    /// What the frames counted for while they waited.
    let weight: FrameWeight

    init(_ frames: [EncodedFrame], _ seal: FrameSeal) {
        memory = .allocate(byteCount: frames.reduce(0) { $0 + $1.bytes.count + FrameSeal.overhead }, alignment: 8)
        var place = 0
        for frame in frames {
            let size = frame.bytes.count + FrameSeal.overhead
            seal.seal(frame.bytes, to: UnsafeMutableRawBufferPointer(rebasing: memory[place..<place + size]))
            place += size
        }
        weight = FrameWeight(frames)
    }

    deinit { memory.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }
}
