/// What `body` writes, in a new array with room for `capacity` bytes.
@inlinable
public func encodedBytes(
    capacity: Int, _ body: (inout WireWriter) throws(EncodeError) -> Void
) throws(EncodeError) -> [UInt8] {
    var failure: EncodeError?
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        var writer = WireWriter(UnsafeMutableRawBufferPointer(buffer))
        do throws(EncodeError) {
            try body(&writer)
            count = writer.count
        } catch {
            failure = error
        }
    }
    if let failure { throw failure }
    return bytes
}
