/// Page-aligned memory that is freed with its last reference. Not initialised.
public final class RawMemory {
    public let bytes: UnsafeMutableRawBufferPointer

    public init(byteCount: Int) {
        bytes = .allocate(byteCount: byteCount, alignment: 4096)
    }

    deinit {
        bytes.deallocate()
    }
}
