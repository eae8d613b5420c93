/// An ordered map of byte strings to byte strings that survives restarts: what every state machine keeps its state in.
///
/// Keys are ordered bytewise, a prefix before its extensions. All calls may come from any thread; a batch becomes
/// visible to reads at once and as a whole. Cores take `any OrderedStore` and a key prefix of their own, so that many
/// of them share one.
public protocol OrderedStore: AnyObject, Sendable {
    /// Lends the value of `key` to `body` without copying it; returns false, without calling `body`, when there is
    /// none. The buffer is valid only during the call.
    func read(
        _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(StoreError) -> Bool

    /// A cursor over the keys in `lower ..< upper` (to the end when `upper` is nil) as they are at this moment: later
    /// writes do not show. It is not positioned yet. An error, also of creation, shows in
    /// `StoreIterator.checkStatus()`.
    func iterator(from lower: [UInt8], upTo upper: [UInt8]?) -> any StoreIterator

    /// Carries out `batch` as a whole. With `durable` it survives a power failure once this returns, and so does
    /// everything written before; without, a crash may undo it together with everything written after it, never in
    /// another order.
    func write(_ batch: WriteBatch, durable: Bool) throws(StoreError)

    /// Makes everything written so far durable, also without a write-ahead log. Blocks (tens of milliseconds are
    /// usual).
    func flush() throws(StoreError)

    /// Writes a consistent copy, openable as a store of its own, to the directory `path`, which must not exist yet.
    /// Blocks.
    func checkpoint(at path: String) throws(StoreError)

    /// Flushes, then refuses every further call with `StoreError.closed`. The files are released when the last
    /// reference to the store and its iterators is gone.
    func close() throws(StoreError)
}

extension OrderedStore {
    /// A copy of the value of `key`, nil when there is none.
    @inlinable
    public func get(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        var value: [UInt8]?
        try key.withBytes { (bytes) throws(StoreError) in
            _ = try read(bytes) { value = [UInt8]($0) }
        }
        return value
    }

    /// What `body` makes of the value of `key` where it lies; nil when there is no such key.
    @inlinable
    public func withValue<Result>(
        of key: [UInt8], _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(StoreError) -> Result? {
        try key.withBytes { (bytes) throws(StoreError) in try withValue(of: bytes, body) }
    }

    /// What `body` makes of the value of `key` where it lies; nil when there is no such key.
    @inlinable
    public func withValue<Result>(
        of key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(StoreError) -> Result? {
        var result: Result?
        _ = try read(key) { result = body($0) }
        return result
    }

    /// Whether `key` exists.
    @inlinable
    public func contains(_ key: [UInt8]) throws(StoreError) -> Bool {
        try key.withBytes { (bytes) throws(StoreError) in try read(bytes) { _ in } }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` with a typed error, which the standard library's does not have yet.
    @inlinable
    func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let outcome = withUnsafeBytes { (bytes) -> Swift.Result<Result, StoreError> in
            do throws(StoreError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }
}
