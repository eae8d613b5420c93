import CFUSE
import Glibc

/// The callbacks that libfuse calls on the mount's loop, in the middle of reading a request. Everything a pointer leads
/// to is valid only during the callback, so it is copied here; the work is done by tasks of `Mount`.
///
/// What is not here answers ENOSYS, which the kernel remembers and does not ask again: extended attributes, access (the
/// kernel checks permissions itself), locks (kept by the kernel), fallocate, copy_file_range.
enum FuseOperations {
    static func table() -> fuse_lowlevel_ops {
        var operations = fuse_lowlevel_ops()
        operations.`init` = { _, connection in
            if let connection { FuseConnection.configure(&connection.pointee) }
        }
        setInodes(&operations)
        setNames(&operations)
        setFiles(&operations)
        setDirectories(&operations)
        return operations
    }

    private static func setInodes(_ operations: inout fuse_lowlevel_ops) {
        operations.lookup = { request, parent, name in
            let name = FuseArgument.bytes(name)
            FuseArgument.serve(request) { mount throws(Errno) in try await mount.lookup(parent, name) }
        }
        operations.forget = { request, number, count in
            FuseArgument.mount(request)?.assumeIsolated { $0.forget(number, count) }
            fuse_reply_none(request)
        }
        operations.forget_multi = { request, count, forgets in
            let forgotten = UnsafeBufferPointer(start: forgets, count: count).map { ($0.ino, $0.nlookup) }
            FuseArgument.mount(request)?.assumeIsolated { mount in
                for (number, count) in forgotten { mount.forget(number, count) }
            }
            fuse_reply_none(request)
        }
        operations.getattr = { request, number, _ in
            FuseArgument.serve(request) { mount throws(Errno) in try await mount.getAttributes(number) }
        }
        operations.setattr = { request, number, stat, flags, info in
            guard let stat else { return }
            let change = AttributeChange(stat.pointee, flags)
            let handle = info?.pointee.fh
            FuseArgument.serve(request) { mount throws(Errno) in
                try await mount.setAttributes(number, change, handle: handle)
            }
        }
        operations.statfs = { request, _ in
            FuseArgument.serve(request) { mount throws(Errno) in try await mount.statistics() }
        }
    }

    private static func setNames(_ operations: inout fuse_lowlevel_ops) {
        operations.mkdir = { request, parent, name, _ in
            let name = FuseArgument.bytes(name)
            FuseArgument.serve(request) { mount throws(Errno) in try await mount.makeDirectory(parent, name) }
        }
        operations.mknod = { request, parent, name, mode, _ in
            let name = FuseArgument.bytes(name)
            FuseArgument.serve(request) { mount throws(Errno) in try await mount.makeNode(parent, name, mode: mode) }
        }
        operations.symlink = { request, target, parent, name in
            let (target, name) = (FuseArgument.bytes(target), FuseArgument.bytes(name))
            FuseArgument.serve(request) { mount throws(Errno) in
                try await mount.makeSymbolicLink(parent, name, to: target)
            }
        }
        operations.readlink = { request, number in
            FuseArgument.serve(request) { mount throws(Errno) in try await mount.readSymbolicLink(number) }
        }
        operations.unlink = { request, parent, name in
            let name = FuseArgument.bytes(name)
            FuseArgument.serve(request) { mount throws(Errno) in try await mount.unlink(parent, name) }
        }
        operations.rmdir = { request, parent, name in
            let name = FuseArgument.bytes(name)
            FuseArgument.serve(request) { mount throws(Errno) in try await mount.removeDirectory(parent, name) }
        }
        operations.rename = { request, oldParent, oldName, newParent, newName, flags in
            let (oldName, newName) = (FuseArgument.bytes(oldName), FuseArgument.bytes(newName))
            FuseArgument.serve(request) { mount throws(Errno) in
                try await mount.rename(oldParent, oldName, newParent, newName, flags: flags)
            }
        }
        // A file has one name.
        operations.link = { request, _, _, _ in fuse_reply_err(request, Errno.sealed.code) }
    }

    private static func setFiles(_ operations: inout fuse_lowlevel_ops) {
        operations.create = { request, parent, name, _, info in
            guard let info else { return }
            let (name, flags, thread) = (FuseArgument.bytes(name), info.pointee.flags, FuseArgument.thread(request))
            FuseArgument.serve(request) { mount throws(Errno) in
                try await mount.create(parent, name, flags: flags, thread: thread)
            }
        }
        operations.open = { request, number, info in
            guard let info else { return }
            let (flags, thread) = (info.pointee.flags, FuseArgument.thread(request))
            FuseArgument.serve(request) { mount throws(Errno) in
                try await mount.open(number, flags: flags, thread: thread)
            }
        }
        operations.read = { request, _, size, offset, info in
            guard let handle = info?.pointee.fh else { return }
            let position = UInt64(clamping: offset)
            FuseArgument.serve(request, atOnce: { $0.readNow(handle, at: position, count: size) }) {
                mount throws(Errno) in
                try await mount.read(handle, at: position, count: size)
            }
        }
        operations.write = { request, _, buffer, size, offset, info in
            guard let handle = info?.pointee.fh else { return }
            let (position, appends) = (UInt64(clamping: offset), (info?.pointee.flags ?? 0) & O_APPEND != 0)
            let source = FuseArgument.Bytes(buffer: UnsafeRawBufferPointer(start: buffer, count: size))
            let isAnswered = FuseArgument.answerAtOnce(request) {
                $0.writeNow(handle, source.buffer, at: position, appends: appends)
            }
            guard !isAnswered else { return }
            let bytes = Array(source.buffer)
            FuseArgument.serve(request) { mount throws(Errno) in
                try await mount.write(handle, bytes, at: position, appends: appends)
            }
        }
        operations.flush = { request, _, info in
            guard let (handle, owner) = info.map({ ($0.pointee.fh, $0.pointee.lock_owner) }) else { return }
            let thread = FuseArgument.thread(request)
            FuseArgument.serve(request) { mount throws(Errno) in
                try await mount.flush(handle, thread: thread, owner: owner)
            }
        }
        operations.fsync = { request, _, _, info in
            guard let handle = info?.pointee.fh else { return }
            FuseArgument.serve(request) { mount throws(Errno) in try await mount.synchronize(handle) }
        }
        operations.release = { request, _, info in
            guard let handle = info?.pointee.fh else { return }
            FuseArgument.serve(request) { mount throws(Errno) in
                await mount.release(handle)
                return .done
            }
        }
    }

    private static func setDirectories(_ operations: inout fuse_lowlevel_ops) {
        operations.readdir = { request, number, size, offset, _ in
            FuseArgument.list(request, number, size, offset, plus: false)
        }
        operations.readdirplus = { request, number, size, offset, _ in
            FuseArgument.list(request, number, size, offset, plus: true)
        }
        operations.fsyncdir = { request, _, _, _ in fuse_reply_err(request, 0) }
    }
}
