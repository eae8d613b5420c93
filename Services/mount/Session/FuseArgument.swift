import CFUSE
import EventLoop
import Glibc

/// What the callbacks need to get from libfuse's arguments to the mount.
enum FuseArgument {
    static func mount(_ request: OpaquePointer?) -> Mount? {
        guard let request, let data = fuse_req_userdata(request) else { return nil }
        return Unmanaged<Mount>.fromOpaque(data).takeUnretainedValue()
    }

    /// The thread that made the system call; 0 when it is not of our pid namespace.
    static func thread(_ request: OpaquePointer?) -> Int32 {
        guard let request, let context = fuse_req_ctx(request) else { return 0 }
        return context.pointee.pid
    }

    static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
        guard let text else { return [] }
        return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    /// Runs an operation as a task on the mount's loop.
    static func serve(
        _ request: OpaquePointer?,
        _ operation: @escaping @Sendable (isolated Mount) async throws(Errno) -> Answer
    ) {
        guard let request, let mount = mount(request) else { return }
        let reply = FuseReply(request)
        mount.loop.task { await mount.answer(reply, operation) }
    }

    /// As above, unless `atOnce`, which runs right now, has the answer.
    static func serve(
        _ request: OpaquePointer?, atOnce: @Sendable (isolated Mount) -> Answer?,
        _ operation: @escaping @Sendable (isolated Mount) async throws(Errno) -> Answer
    ) {
        if answerAtOnce(request, atOnce) { return }
        serve(request, operation)
    }

    /// Sends what `atOnce` answers; false when it has no answer.
    static func answerAtOnce(_ request: OpaquePointer?, _ atOnce: @Sendable (isolated Mount) -> Answer?) -> Bool {
        guard let request, let mount = mount(request) else { return false }
        let reply = FuseReply(request)
        return mount.assumeIsolated { mount in
            guard let answer = atOnce(mount) else { return false }
            // Answers of this kind hold nothing that would have to be undone.
            _ = reply.send(answer, mount.style)
            return true
        }
    }

    /// Bytes in the request's buffer, for `atOnce`.
    ///
    /// `@unchecked Sendable`: used only before the callback that made it returns, on the same thread.
    struct Bytes: @unchecked Sendable {
        let buffer: UnsafeRawBufferPointer
    }

    static func list(_ request: OpaquePointer?, _ number: UInt64, _ size: Int, _ offset: off_t, plus: Bool) {
        guard let request else { return }
        let reply = FuseReply(request)
        serve(request) { mount throws(Errno) in
            try await mount.list(number, from: offset, capacity: min(size, 1 << 20), plus: plus, reply)
        }
    }
}
