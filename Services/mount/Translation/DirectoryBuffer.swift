import CFUSE
import EventLoop
import Filesystem
import Glibc

/// A part of a directory in the kernel's format, being filled.
struct DirectoryBuffer: ListingSink {
    /// For readdirplus.
    let wantsAttributes: Bool
    /// Entries that the kernel will count as looked up when it gets this.
    private(set) var counted: [Entry] = []

    private let memory: RawMemory
    private let capacity: Int
    private var used = 0
    private let request: OpaquePointer
    private let style: AttributeStyle

    /// `capacity`: what the kernel asked for, bytes.
    init(_ reply: FuseReply, capacity: Int, wantsAttributes: Bool, style: AttributeStyle) {
        memory = RawMemory(byteCount: max(capacity, 1))
        self.capacity = capacity
        self.wantsAttributes = wantsAttributes
        request = reply.request
        self.style = style
    }

    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withExtendedLifetime(memory) { body(UnsafeRawBufferPointer(rebasing: memory.bytes[..<used])) }
    }

    var room: Int { capacity - used }

    func size(nameBytes: Int) -> Int {
        (nameBytes + (wantsAttributes ? 152 : 24) + 7) & ~7
    }

    mutating func append(_ entry: ListedEntry) {
        let next = off_t(clamping: entry.next)
        guard wantsAttributes else {
            var stat = Glibc.stat()
            stat.st_ino = ino_t(entry.node.kernelNumber)
            stat.st_mode = AttributeStyle.kind(entry)
            return append(entry.name) { request, target, room, name in
                fuse_add_direntry(request, target, room, name, &stat, next)
            }
        }
        var parameter = style.entry(entry.entry ?? unknown(entry))
        if entry.entry == nil {
            // The kernel counts no lookup of what has no number.
            parameter.ino = 0
            parameter.attr.st_mode = AttributeStyle.kind(entry)
        }
        append(entry.name) { request, target, room, name in
            fuse_add_direntry_plus(request, target, room, name, &parameter, next)
        }
        if let known = entry.entry { counted.append(known) }
    }

    /// Nobody could tell more of it than that it is there.
    private func unknown(_ listed: ListedEntry) -> Entry {
        Entry(
            attributes: Attributes(
                node: listed.node, type: listed.type, size: 0, modified: .zero, accessed: .zero, validSeconds: 0),
            validSeconds: 0)
    }

    private mutating func append(
        _ name: [UInt8], _ add: (OpaquePointer, UnsafeMutablePointer<CChar>?, Int, UnsafePointer<CChar>?) -> Int
    ) {
        let target = memory.bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        let size = (name + [0]).withUnsafeBytes {
            add(request, target.map { $0 + used }, room, $0.baseAddress?.assumingMemoryBound(to: CChar.self))
        }
        precondition(size <= room, "a directory entry beyond its room")
        used += size
    }
}
