import CFUSE
import Client
import Daemon
import Filesystem
import Glibc
import Mutations

/// The callbacks that libfuse calls on the mount's loop, in the middle of reading a request. Everything a pointer leads
/// to is valid only during the callback, so it is copied here; the work is done by tasks of `Filesystem`.
///
/// What is not here answers ENOSYS, which the kernel remembers and does not ask again: access (the kernel checks
/// permissions itself), locks (kept by the kernel).
enum FuseOperations {
    static func table() -> fuse_lowlevel_ops {
        var operations = fuse_lowlevel_ops()
        operations.`init` = { data, offered in
            guard let data, let offered else { return }
            Unmanaged<Mount>.fromOpaque(data).takeUnretainedValue().connection.configure(&offered.pointee)
        }
        setInodes(&operations)
        setNames(&operations)
        setFiles(&operations)
        setTransfers(&operations)
        setRanges(&operations)
        setDirectories(&operations)
        setExtendedAttributes(&operations)
        return operations
    }

    private static func setInodes(_ operations: inout fuse_lowlevel_ops) {
        operations.lookup = { request, parent, name in
            let (parent, name) = (NodeID(kernel: parent), FuseArgument.bytes(name))
            let caller = FuseArgument.caller(request)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .entry(try await filesystem.lookup(name, in: parent, by: caller))
            }
        }
        operations.forget = { request, number, count in
            FuseArgument.mount(request)?.filesystem.assumeIsolated { $0.forget(NodeID(kernel: number), count) }
            fuse_reply_none(request)
        }
        operations.forget_multi = { request, count, forgets in
            let forgotten = UnsafeBufferPointer(start: forgets, count: count).map {
                (NodeID(kernel: $0.ino), $0.nlookup)
            }
            FuseArgument.mount(request)?.filesystem.assumeIsolated { filesystem in
                for (node, count) in forgotten { filesystem.forget(node, count) }
            }
            fuse_reply_none(request)
        }
        operations.getattr = { request, number, _ in
            let node = NodeID(kernel: number)
            let isAnswered = FuseArgument.answerAtOnce(request) { $0.attributesNow(node).map { .attributes($0) } }
            guard !isAnswered else { return }
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .attributes(try await filesystem.attributes(node))
            }
        }
        operations.setattr = { request, number, stat, flags, info in
            guard let stat = stat?.pointee else { return }
            let (node, caller) = (NodeID(kernel: number), FuseArgument.caller(request))
            let handle = info.map { HandleID(rawValue: $0.pointee.fh) }
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                let change = try AttributeChange(stat, flags)
                return .attributes(try await filesystem.setAttributes(node, change, through: handle, by: caller))
            }
        }
        operations.statfs = { request, _ in
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .statistics(try await filesystem.statistics())
            }
        }
    }

    private static func setNames(_ operations: inout fuse_lowlevel_ops) {
        operations.mkdir = { request, parent, name, mode in
            let (parent, name) = (NodeID(kernel: parent), FuseArgument.bytes(name))
            let (bits, caller) = (FuseArgument.permissions(mode), FuseArgument.caller(request))
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .entry(try await filesystem.makeDirectory(name, in: parent, mode: bits, by: caller))
            }
        }
        operations.mknod = { request, parent, name, mode, device in
            let (parent, name) = (NodeID(kernel: parent), FuseArgument.bytes(name))
            let (bits, caller) = (FuseArgument.permissions(mode), FuseArgument.caller(request))
            let special = SpecialFile(mode: mode, device: device)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .entry(try await filesystem.makeFile(name, in: parent, mode: bits, special: special, by: caller))
            }
        }
        operations.symlink = { request, target, parent, name in
            let (target, parent, name) = (FuseArgument.bytes(target), NodeID(kernel: parent), FuseArgument.bytes(name))
            let caller = FuseArgument.caller(request)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .entry(try await filesystem.makeSymbolicLink(name, in: parent, to: target, by: caller))
            }
        }
        operations.readlink = { request, number in
            let node = NodeID(kernel: number)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .target(try await filesystem.readSymbolicLink(node))
            }
        }
        operations.unlink = { request, parent, name in
            let (parent, name) = (NodeID(kernel: parent), FuseArgument.bytes(name))
            let caller = FuseArgument.caller(request)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                try await filesystem.unlink(name, in: parent, by: caller)
                return .done
            }
        }
        operations.rmdir = { request, parent, name in
            let (parent, name) = (NodeID(kernel: parent), FuseArgument.bytes(name))
            let caller = FuseArgument.caller(request)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                try await filesystem.removeDirectory(name, in: parent, by: caller)
                return .done
            }
        }
        operations.rename = { request, oldParent, oldName, newParent, newName, flags in
            // Two names cannot be exchanged in one step, and there are no whiteouts.
            guard flags & ~RenameFlags.noReplace == 0 else {
                fuse_reply_err(request, EINVAL)
                return
            }
            let (oldParent, newParent) = (NodeID(kernel: oldParent), NodeID(kernel: newParent))
            let (oldName, newName) = (FuseArgument.bytes(oldName), FuseArgument.bytes(newName))
            let (replaces, caller) = (flags & RenameFlags.noReplace == 0, FuseArgument.caller(request))
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                try await filesystem.rename(
                    oldName, in: oldParent, to: newName, in: newParent, replaces: replaces, by: caller)
                return .done
            }
        }
        // A file has one name.
        operations.link = { request, _, _, _ in fuse_reply_err(request, EPERM) }
    }

    private static func setFiles(_ operations: inout fuse_lowlevel_ops) {
        operations.create = { request, parent, name, permissions, info in
            guard let info else { return }
            let (parent, name) = (NodeID(kernel: parent), FuseArgument.bytes(name))
            let flags = info.pointee.flags
            let (mode, caller) = (OpenMode(flags: flags), FuseArgument.caller(request, flags: flags))
            let bits = FuseArgument.permissions(permissions)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .created(try await filesystem.create(name, in: parent, mode, permissions: bits, by: caller))
            }
        }
        operations.open = { request, number, info in
            guard let info else { return }
            let node = NodeID(kernel: number)
            let flags = info.pointee.flags
            let (mode, caller) = (OpenMode(flags: flags), FuseArgument.caller(request, flags: flags))
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .opened(try await filesystem.open(node, mode, by: caller))
            }
        }
        operations.flush = { request, _, info in
            guard let info else { return }
            let handle = HandleID(rawValue: info.pointee.fh)
            let caller = FuseArgument.caller(request)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                try await filesystem.close(handle, by: caller)
                return .done
            }
        }
        operations.fsync = { request, _, _, info in
            guard let handle = info.map({ HandleID(rawValue: $0.pointee.fh) }) else { return }
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                try await filesystem.synchronize(handle)
                return .done
            }
        }
        operations.release = { request, _, info in
            guard let handle = info.map({ HandleID(rawValue: $0.pointee.fh) }) else { return }
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                await filesystem.release(handle)
                return .done
            }
        }
    }

    private static func setTransfers(_ operations: inout fuse_lowlevel_ops) {
        operations.read = { request, _, size, offset, info in
            guard let handle = info.map({ HandleID(rawValue: $0.pointee.fh) }) else { return }
            let position = UInt64(clamping: offset)
            let isAnswered = FuseArgument.answerAtOnce(request) {
                $0.readNow(handle, at: position, count: size).map { .data($0) }
            }
            guard !isAnswered else { return }
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .data(try await filesystem.read(handle, at: position, count: size))
            }
        }
        operations.write = { request, _, buffer, size, offset, info in
            guard let info else { return }
            let handle = HandleID(rawValue: info.pointee.fh)
            // Pages of a mapping come through any handle, and are not appended.
            let isPage = info.pointee.writepage != 0
            let appends = info.pointee.flags & O_APPEND != 0 && !isPage
            let caller = isPage ? .unknown : FuseArgument.caller(request, flags: info.pointee.flags)
            let position = UInt64(clamping: offset)
            let source = FuseArgument.Bytes(buffer: UnsafeRawBufferPointer(start: buffer, count: size))
            let isAnswered = FuseArgument.answerAtOnce(request) { filesystem throws(FilesystemError) in
                let isTaken = try filesystem.writeNow(
                    handle, source.buffer, at: position, appends: appends, isPage: isPage, by: caller)
                return isTaken ? .written(size) : nil
            }
            guard !isAnswered else { return }
            let bytes = Array(source.buffer)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                try await filesystem.write(handle, bytes, at: position, appends: appends, isPage: isPage, by: caller)
                return .written(bytes.count)
            }
        }
    }

    private static func setRanges(_ operations: inout fuse_lowlevel_ops) {
        operations.fallocate = { request, _, mode, offset, length, info in
            guard let handle = info.map({ HandleID(rawValue: $0.pointee.fh) }) else { return }
            guard let allocation = Allocation(mode: mode) else {
                fuse_reply_err(request, EOPNOTSUPP)
                return
            }
            let start = UInt64(clamping: offset)
            // The kernel has checked that neither is negative, nor their sum too large.
            let range = start..<start + UInt64(clamping: length)
            let caller = FuseArgument.caller(request)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                try await filesystem.allocate(handle, allocation, range, by: caller)
                return .done
            }
        }
        operations.copy_file_range = { request, _, sourceOffset, source, _, offset, target, count, _ in
            guard let source = source.map({ HandleID(rawValue: $0.pointee.fh) }),
                let target = target.map({ HandleID(rawValue: $0.pointee.fh) })
            else { return }
            let (from, to) = (UInt64(clamping: sourceOffset), UInt64(clamping: offset))
            let caller = FuseArgument.caller(request)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                let copied = try await filesystem.copy(
                    source, at: from, to: target, at: to, count: UInt64(count), by: caller)
                return .written(Int(copied))
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
        operations.ioctl = { request, _, command, _, _, _, _, _, _ in
            // It is declared as an int, and is none.
            guard UInt32(truncatingIfNeeded: command) == MountRequest.synchronize else {
                fuse_reply_err(request, ENOTTY)
                return
            }
            // It makes visible what others are still writing.
            let user = fuse_req_ctx(request)?.pointee.uid
            guard user == 0 || user == geteuid() || Mutation.anybodyPublishesForAll.isPlanted else {
                fuse_reply_err(request, EPERM)
                return
            }
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                try await filesystem.synchronizeAll()
                return .controlled
            }
        }
    }
}

/// Flags of renameat2(2).
private enum RenameFlags {
    static let noReplace: UInt32 = 1
}
