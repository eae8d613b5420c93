import CFUSE
import Glibc
import VolatileDisk

/// The callbacks of libfuse. The kernel is told to believe nothing for any time, so that all of it can change at once.
enum DiskOperations {
    static func table() -> fuse_lowlevel_ops {
        var operations = fuse_lowlevel_ops()
        operations.`init` = { _, connection in
            connection?.pointee.max_write = UInt32(DiskMount.largestTransfer)
            let unwanted = FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ
            connection?.pointee.want &= ~UInt32(unwanted)
        }
        setInodes(&operations)
        setNames(&operations)
        setFiles(&operations)
        setDirectories(&operations)
        return operations
    }

    private static func setInodes(_ operations: inout fuse_lowlevel_ops) {
        operations.lookup = { request, parent, name in
            serve(request) { mount throws(DiskError) in
                let (directory, name) = (try mount.node(parent), bytes(name))
                let isControl = directory === mount.disk.root && name == DiskMount.controlName
                var entry = isControl
                    ? DiskMount.controlEntry() : mount.entry(try mount.disk.lookUp(name, in: directory))
                fuse_reply_entry(request, &entry)
            }
        }
        operations.forget = { request, number, count in
            mount(request).forget(number, count)
            fuse_reply_none(request)
        }
        operations.forget_multi = { request, count, forgets in
            for forgotten in UnsafeBufferPointer(start: forgets, count: count) {
                mount(request).forget(forgotten.ino, forgotten.nlookup)
            }
            fuse_reply_none(request)
        }
        operations.getattr = { request, number, _ in
            serve(request) { mount throws(DiskError) in try replyAttributes(request, mount, number) }
        }
        operations.setattr = { request, number, change, flags, _ in
            guard let change = change?.pointee else { return }
            serve(request) { mount throws(DiskError) in
                if number != DiskMount.controlNumber { try set(change, flags, try mount.node(number), mount.disk) }
                try replyAttributes(request, mount, number)
            }
        }
        operations.statfs = { request, number in
            serve(request) { mount throws(DiskError) in
                var statistics = try mount.statistics(number)
                fuse_reply_statfs(request, &statistics)
            }
        }
    }

    private static func setNames(_ operations: inout fuse_lowlevel_ops) {
        operations.mkdir = { request, parent, name, mode in
            serve(request) { mount throws(DiskError) in
                let made = try mount.disk.makeDirectory(
                    bytes(name), in: try mount.node(parent), mode: mode, owner: owner(request))
                var entry = mount.entry(made)
                fuse_reply_entry(request, &entry)
            }
        }
        operations.unlink = { request, parent, name in
            finish(request) { mount throws(DiskError) in
                try mount.disk.unlink(bytes(name), in: try mount.node(parent))
            }
        }
        operations.rmdir = { request, parent, name in
            finish(request) { mount throws(DiskError) in
                try mount.disk.removeDirectory(bytes(name), in: try mount.node(parent))
            }
        }
        operations.rename = { request, oldParent, oldName, newParent, newName, flags in
            finish(request) { mount throws(DiskError) in
                // RENAME_NOREPLACE
                guard flags & ~1 == 0 else { throw DiskError(EINVAL) }
                try mount.disk.rename(
                    bytes(oldName), in: try mount.node(oldParent), to: bytes(newName), in: try mount.node(newParent),
                    replaces: flags == 0)
            }
        }
        operations.link = { request, number, parent, name in
            serve(request) { mount throws(DiskError) in
                let node = try mount.node(number)
                try mount.disk.link(node, bytes(name), in: try mount.node(parent))
                var entry = mount.entry(node)
                fuse_reply_entry(request, &entry)
            }
        }
    }

    private static func setFiles(_ operations: inout fuse_lowlevel_ops) {
        operations.create = { request, parent, name, mode, info in
            serve(request) { mount throws(DiskError) in
                let made = try mount.disk.makeFile(
                    bytes(name), in: try mount.node(parent), mode: mode, owner: owner(request))
                var entry = mount.entry(made)
                fuse_reply_create(request, &entry, info)
            }
        }
        operations.open = { request, number, info in
            serve(request) { mount throws(DiskError) in
                if number == DiskMount.controlNumber {
                    info?.pointee.direct_io = 1
                } else {
                    try mount.disk.check(try mount.node(number))
                }
                fuse_reply_open(request, info)
            }
        }
        operations.read = { request, number, count, offset, _ in
            serve(request) { mount throws(DiskError) in
                let bytes = try mount.read(number, count, at: Int(offset))
                fuse_reply_buf(request, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
            }
        }
        operations.write = { request, number, data, count, offset, _ in
            serve(request) { mount throws(DiskError) in
                try mount.write(number, UnsafeRawBufferPointer(start: data, count: count), at: Int(offset))
                fuse_reply_write(request, count)
            }
        }
        operations.fsync = { request, number, _, _ in
            finish(request) { mount throws(DiskError) in try mount.disk.sync(try mount.node(number)) }
        }
        operations.fallocate = { request, number, mode, offset, length, _ in
            finish(request) { mount throws(DiskError) in
                let (node, range) = (try mount.node(number), Int(offset)..<Int(offset + length))
                // FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE with it.
                switch mode {
                case 0, 1: try mount.disk.allocate(node, range, keepsSize: mode == 1)
                case 3: try mount.disk.zero(node, range)
                default: throw DiskError(EOPNOTSUPP)
                }
            }
        }
    }

    private static func setDirectories(_ operations: inout fuse_lowlevel_ops) {
        operations.opendir = { request, number, info in
            serve(request) { mount throws(DiskError) in
                info?.pointee.fh = try mount.beginListing(number)
                fuse_reply_open(request, info)
            }
        }
        operations.readdir = { request, _, count, offset, info in
            serve(request) { mount throws(DiskError) in
                let bytes = try mount.fill(request, info?.pointee.fh ?? 0, from: Int(offset), room: count)
                fuse_reply_buf(request, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
            }
        }
        operations.releasedir = { request, _, info in
            if let info { mount(request).endListing(info.pointee.fh) }
            fuse_reply_err(request, 0)
        }
        operations.fsyncdir = { request, number, _, _ in
            finish(request) { mount throws(DiskError) in try mount.disk.sync(try mount.node(number)) }
        }
    }
}

// MARK: - What callbacks need, outside of any type: C functions capture nothing

private func mount(_ request: OpaquePointer?) -> DiskMount {
    guard let data = fuse_req_userdata(request) else { fatalError("a request without its mount") }
    return Unmanaged<DiskMount>.fromOpaque(data).takeUnretainedValue()
}

private func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
    guard let text else { return [] }
    return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
}

private func owner(_ request: OpaquePointer?) -> (UInt32, UInt32) {
    guard let context = fuse_req_ctx(request) else { return (0, 0) }
    return (context.pointee.uid, context.pointee.gid)
}

/// Runs what sends its answer itself; an error is sent here.
private func serve(_ request: OpaquePointer?, _ body: (DiskMount) throws(DiskError) -> Void) {
    do {
        try body(mount(request))
    } catch {
        fuse_reply_err(request, error.code)
    }
}

/// Runs what has no other answer than that it is done.
private func finish(_ request: OpaquePointer?, _ body: (DiskMount) throws(DiskError) -> Void) {
    serve(request) { mount throws(DiskError) in
        try body(mount)
        fuse_reply_err(request, 0)
    }
}

private func replyAttributes(
    _ request: OpaquePointer?, _ mount: DiskMount, _ number: UInt64
) throws(DiskError) {
    var attributes = number == DiskMount.controlNumber
        ? DiskMount.controlAttributes() : DiskMount.attributes(try mount.node(number))
    fuse_reply_attr(request, &attributes, 0)
}

private func set(
    _ change: stat, _ flags: Int32, _ node: Node, _ disk: VolatileDisk
) throws(DiskError) {
    if flags & FUSE_SET_ATTR_SIZE != 0 { try disk.resize(node, to: Int(change.st_size)) }
    if flags & FUSE_SET_ATTR_MODE != 0 { disk.setMode(node, change.st_mode) }
    if flags & FUSE_SET_ATTR_UID != 0 { disk.setOwner(node, change.st_uid) }
    if flags & FUSE_SET_ATTR_GID != 0 { disk.setGroup(node, change.st_gid) }
    if flags & FUSE_SET_ATTR_MTIME_NOW != 0 {
        disk.setModified(node, nil)
    } else if flags & FUSE_SET_ATTR_MTIME != 0 {
        disk.setModified(node, change.st_mtim)
    }
}
