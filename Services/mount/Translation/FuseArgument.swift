import CFUSE
import EventLoop
import Filesystem
import Glibc

/// What the callbacks need to get from libfuse's arguments to the filesystem, and the one place that answers.
enum FuseArgument {
    typealias Operation = @Sendable (isolated Filesystem) async throws(FilesystemError) -> Answer

    static func mount(_ request: OpaquePointer?) -> Mount? {
        guard let request, let data = fuse_req_userdata(request) else { return nil }
        return Unmanaged<Mount>.fromOpaque(data).takeUnretainedValue()
    }

    /// The thread that made the system call; 0 when it is not of our pid namespace.
    static func thread(_ request: OpaquePointer?) -> Int32 {
        guard let request, let context = fuse_req_ctx(request) else { return 0 }
        return context.pointee.pid
    }

    /// Who made the system call.
    /// - Parameter flags: of open(2), as the request has them; nil: it has none.
    static func caller(_ request: OpaquePointer?, flags: Int32? = nil) -> Caller {
        guard let request, let context = fuse_req_ctx(request)?.pointee else { return .unknown }
        return Caller(
            thread: context.pid, user: context.uid, group: context.gid,
            umask: UInt16(truncatingIfNeeded: context.umask), isPrivileged: isPrivileged(request, flags))
    }

    /// Whether the kernel, if it was agreed that it tells, lets a file keep the right to run as its owner; nil: it says
    /// nothing.
    private static func isPrivileged(_ request: OpaquePointer, _ flags: Int32?) -> Bool? {
        guard let flags, mount(request)?.connection.tellsOfKilling == true else { return nil }
        return UInt32(bitPattern: flags) & OpenFlags.killsSetuid == 0
    }

    /// The bits of a mode that chmod(2) sets.
    static func permissions(_ mode: mode_t) -> UInt16 {
        UInt16(truncatingIfNeeded: mode) & Permissions.modeMask
    }

    static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
        guard let text else { return [] }
        return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    // MARK: Answering

    /// Runs an operation as a task on the filesystem's loop and sends what it answers.
    static func serve(_ request: OpaquePointer?, _ operation: @escaping Operation) {
        guard let request, let mount = mount(request) else { return }
        let reply = FuseReply(request)
        let ticket = mount.waiting.begin(reply, thread: thread(request))
        mount.loop.task { await answer(reply, ticket, mount, mount.filesystem, operation) }
    }

    private static func answer(
        _ reply: FuseReply, _ ticket: WaitingRequests.Ticket, _ mount: Mount, _ filesystem: isolated Filesystem,
        _ operation: Operation
    ) async {
        let answer: Answer
        do {
            answer = try await operation(filesystem)
        } catch {
            answer = .failed(error)
        }
        if !mount.waiting.claim(ticket) || !reply.send(answer, mount.style) { await answer.takeBack(from: filesystem) }
    }

    /// Sends what `atOnce` answers, which runs right now; false when it has no answer.
    static func answerAtOnce(
        _ request: OpaquePointer?, _ atOnce: @Sendable (isolated Filesystem) throws(FilesystemError) -> Answer?
    ) -> Bool {
        guard let request, let mount = mount(request) else { return false }
        let (reply, style) = (FuseReply(request), mount.style)
        return mount.filesystem.assumeIsolated { filesystem in
            let answer: Answer
            do throws(FilesystemError) {
                guard let made = try atOnce(filesystem) else { return false }
                answer = made
            } catch {
                answer = .failed(error)
            }
            // Answers of this kind hold nothing that would have to be given back.
            _ = reply.send(answer, style)
            return true
        }
    }

    /// Bytes in the request's buffer, for `answerAtOnce`.
    ///
    /// `@unchecked Sendable`: used only before the callback that made it returns, on the same thread.
    struct Bytes: @unchecked Sendable {
        let buffer: UnsafeRawBufferPointer
    }

    static func list(_ request: OpaquePointer?, _ number: UInt64, _ size: Int, _ offset: off_t, plus: Bool) {
        guard let request, let style = mount(request)?.style else { return }
        let (reply, node, capacity) = (FuseReply(request), NodeID(kernel: number), min(size, 1 << 20))
        let caller = caller(request)
        serve(request) { filesystem throws(FilesystemError) in
            var buffer = DirectoryBuffer(reply, capacity: capacity, wantsAttributes: plus, style: style)
            try await filesystem.list(node, from: UInt64(clamping: offset), into: &buffer, by: caller)
            return .listing(buffer)
        }
    }
}
