import CFUSE
import Glibc
import VolatileDisk

/// A disk as the kernel sees it. Everything happens on the one thread that serves requests.
final class DiskMount {
    let disk: VolatileDisk
    private let medium: String
    private var known: [UInt64: (node: Node, lookups: UInt64)] = [:]
    private var listings: [UInt64: [(name: [UInt8], node: Node)]] = [:]
    private var lastListing: UInt64 = 0
    private var control = Control()
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: DiskMount.largestTransfer, alignment: 4096)

    static let largestTransfer = 1 << 20
    static let controlName = Array(".control".utf8)
    /// No node has it.
    static let controlNumber: UInt64 = 1 << 62

    init(_ disk: VolatileDisk, medium: String) {
        self.disk = disk
        self.medium = medium
    }

    deinit { buffer.deallocate() }

    /// - Returns: whether it ended properly.
    func serve(at path: String) throws -> Bool {
        var operations = DiskOperations.table()
        let options = ["sterna-volatile-disk", "-o", "fsname=volatile-disk,default_permissions"]
        var words: [UnsafeMutablePointer<CChar>?] = options.map { strdup($0) }
        defer { words.forEach { free($0) } }
        let session = words.withUnsafeMutableBufferPointer { pointers in
            var arguments = fuse_args(argc: Int32(pointers.count), argv: pointers.baseAddress, allocated: 0)
            defer { fuse_opt_free_args(&arguments) }
            return fuse_session_new(
                &arguments, &operations, MemoryLayout<fuse_lowlevel_ops>.size,
                Unmanaged.passUnretained(self).toOpaque())
        }
        guard let session else { throw DiskError(EINVAL) }
        defer { fuse_session_destroy(session) }
        guard fuse_set_signal_handlers(session) == 0, fuse_session_mount(session, path) == 0 else {
            throw DiskError(errno == 0 ? EINVAL : errno)
        }
        defer {
            fuse_session_unmount(session)
            fuse_remove_signal_handlers(session)
        }
        return fuse_session_loop(session) >= 0
    }

    // MARK: Nodes

    func node(_ number: UInt64) throws(DiskError) -> Node {
        if number == disk.root.number { return disk.root }
        guard let found = known[number] else { throw DiskError(ESTALE) }
        return found.node
    }

    /// For an answer that counts as a lookup.
    func entry(_ node: Node) -> fuse_entry_param {
        known[node.number, default: (node, 0)].lookups += 1
        var entry = fuse_entry_param()
        entry.ino = node.number
        entry.attr = Self.attributes(node)
        return entry
    }

    func forget(_ number: UInt64, _ lookups: UInt64) {
        guard let found = known[number] else { return }
        known[number] = found.lookups > lookups ? (found.node, found.lookups - lookups) : nil
    }

    static func attributes(_ node: Node) -> stat {
        var result = stat()
        result.st_ino = ino_t(node.number)
        result.st_mode = node.mode
        // Of a directory: 1 says that it is not counted, and that there may be others in it.
        result.st_nlink = nlink_t(node.isDirectory ? 1 : node.links)
        result.st_uid = node.owner
        result.st_gid = node.group
        result.st_size = off_t(node.size)
        result.st_blksize = 4096
        result.st_blocks = blkcnt_t((node.size + 511) / 512)
        (result.st_mtim, result.st_ctim, result.st_atim) = (node.modified, node.modified, node.modified)
        return result
    }

    // MARK: Contents

    func read(_ number: UInt64, _ count: Int, at offset: Int) throws(DiskError) -> UnsafeRawBufferPointer {
        let target = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(count, buffer.count)])
        if number == Self.controlNumber {
            let text = control.report.utf8.dropFirst(offset).prefix(target.count)
            target.copyBytes(from: text)
            return UnsafeRawBufferPointer(rebasing: target[..<text.count])
        }
        let done = try disk.read(try node(number), target, at: offset)
        return UnsafeRawBufferPointer(rebasing: target[..<done])
    }

    func write(_ number: UInt64, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
        if number == Self.controlNumber {
            try control.run(String(decoding: bytes, as: UTF8.self).filter { $0 != "\n" }, disk)
        } else {
            try disk.write(try node(number), bytes, at: offset)
        }
    }

    static func controlEntry() -> fuse_entry_param {
        var entry = fuse_entry_param()
        entry.ino = controlNumber
        entry.attr = controlAttributes()
        return entry
    }

    static func controlAttributes() -> stat {
        var result = stat()
        result.st_ino = ino_t(controlNumber)
        result.st_mode = S_IFREG | 0o600
        result.st_nlink = 1
        return result
    }

    func statistics(_ number: UInt64) throws(DiskError) -> statvfs {
        var result = statvfs()
        guard statvfs(medium, &result) == 0 else { throw DiskError(errno) }
        if disk.isFull(try node(number)) { (result.f_bavail, result.f_bfree) = (0, 0) }
        return result
    }

    // MARK: Listings

    /// - Returns: a handle for a listing as it is now.
    func beginListing(_ number: UInt64) throws(DiskError) -> UInt64 {
        let node = try node(number)
        lastListing += 1
        listings[lastListing] =
            [(Array(".".utf8), node), (Array("..".utf8), node)] + (try disk.list(node))
        return lastListing
    }

    func endListing(_ handle: UInt64) { listings[handle] = nil }

    /// What fits of a listing into the buffer; nothing: the end.
    func fill(
        _ request: OpaquePointer?, _ handle: UInt64, from offset: Int, room: Int
    ) throws(DiskError) -> UnsafeRawBufferPointer {
        let listing = listings[handle] ?? []
        if offset >= listing.count, let directory = listing.first?.node { try disk.endListing(of: directory) }
        let room = min(room, buffer.count)
        var used = 0
        for index in min(offset, listing.count)..<listing.count {
            var attributes = stat()
            attributes.st_ino = ino_t(listing[index].node.number)
            attributes.st_mode = listing[index].node.mode
            let size = (listing[index].name + [0]).withUnsafeBytes { name in
                fuse_add_direntry(
                    request, buffer.baseAddress.map { ($0 + used).assumingMemoryBound(to: CChar.self) }, room - used,
                    name.baseAddress?.assumingMemoryBound(to: CChar.self), &attributes, off_t(index + 1))
            }
            if size > room - used { break }
            used += size
        }
        return UnsafeRawBufferPointer(rebasing: buffer[..<used])
    }
}
