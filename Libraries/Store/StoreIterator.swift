/// A cursor over a range of a store's keys, in both directions. It sees the store as it was when the cursor was made.
///
/// Belongs to one thread at a time. Positions outside the range do not exist: seeking below it finds its first key,
/// seeking backwards from above it finds its last. After leaving the range, `isValid` is false until the next seek.
public protocol StoreIterator: AnyObject {
    /// Whether the cursor stands on an entry. Every loop that ends because this is false has to call `checkStatus()`.
    var isValid: Bool { get }

    /// To the smallest key of the range.
    func seekToFirst()
    /// To the largest key of the range.
    func seekToLast()
    /// To the smallest key ≥ `key`.
    func seek(_ key: [UInt8])
    /// To the largest key ≤ `key`.
    func seekForPrevious(_ key: [UInt8])
    /// To the next larger key. The cursor must be valid.
    func next()
    /// To the next smaller key. The cursor must be valid.
    func previous()

    /// A copy of the key. The cursor must be valid.
    var key: [UInt8] { get }
    /// A copy of the value. The cursor must be valid.
    var value: [UInt8] { get }
    /// Lends key and value where they lie, for the time of the call. The cursor must be valid.
    func withEntry(_ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void)

    /// Throws what made the cursor invalid, if that was anything but the end of the range.
    func checkStatus() throws(StoreError)
}
