import CUV

/// A libuv handle of type `Raw` on the heap, where libuv needs it to stay.
///
/// Once `retain(owner)` was called it keeps the owner alive until libuv has let go of the handle: callbacks find their
/// Swift object through `data`, and an object with a pending callback cannot vanish. `close()` may be called in any
/// state, any number of times.
struct LoopHandle<Raw> {
    let raw: UnsafeMutablePointer<Raw>

    init(initialize: (UnsafeMutablePointer<Raw>) -> Int32) throws(SystemError) {
        raw = .allocate(capacity: 1)
        let status = initialize(raw)
        guard status == 0 else {
            raw.deallocate()
            throw SystemError("create a libuv handle", code: status)
        }
        base.pointee.data = nil
    }

    /// For handles whose initialisation cannot fail.
    init(infallible initialize: (UnsafeMutablePointer<Raw>) -> Int32) {
        raw = .allocate(capacity: 1)
        let status = initialize(raw)
        precondition(status == 0, "libuv could not initialise a handle")
        base.pointee.data = nil
    }

    func retain(_ owner: AnyObject) {
        base.pointee.data = Unmanaged.passRetained(owner).toOpaque()
    }

    var base: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(raw).assumingMemoryBound(to: uv_handle_t.self)
    }

    func close() {
        closeLoopHandle(base)
    }
}

/// Closes a handle made by `LoopHandle`, wherever it comes from (also from `uv_walk`).
func closeLoopHandle(_ handle: UnsafeMutablePointer<uv_handle_t>) {
    guard uv_is_closing(handle) == 0 else { return }
    uv_close(handle) { closed in
        guard let closed else { return }
        if let data = closed.pointee.data { Unmanaged<AnyObject>.fromOpaque(data).release() }
        UnsafeMutableRawPointer(closed).deallocate()
    }
}

/// The Swift object behind a handle in one of its callbacks.
func loopHandleOwner<Owner: AnyObject>(_ data: UnsafeMutableRawPointer?, as: Owner.Type = Owner.self) -> Owner? {
    data.map { Unmanaged<Owner>.fromOpaque($0).takeUnretainedValue() }
}
