import CFUSE
import EventLoop
import Glibc

/// A part of a directory in the kernel's format, being filled.
struct DirectoryBuffer {
    let memory: RawMemory
    let capacity: Int
    private(set) var used = 0
    /// Inodes that the kernel will count as looked up when it gets this.
    private(set) var lookedUp: [UInt64] = []

    private let request: OpaquePointer
    private let style: AttributeStyle

    /// `capacity`: what the kernel asked for, bytes.
    init(_ reply: FuseReply, capacity: Int, style: AttributeStyle) {
        memory = RawMemory(byteCount: max(capacity, 1))
        self.capacity = capacity
        request = reply.request
        self.style = style
    }

    /// How much room a name takes in either form.
    static func size(nameBytes: Int, plus: Bool) -> Int {
        (nameBytes + (plus ? 152 : 24) + 7) & ~7
    }

    var room: Int { capacity - used }

    /// Adds a name; the listing goes on from `next`. There must be room.
    mutating func append(_ name: [UInt8], _ number: UInt64, mode: mode_t, next: off_t) {
        var stat = Glibc.stat()
        stat.st_ino = ino_t(number)
        stat.st_mode = mode
        append(name) { request, target, room, name in fuse_add_direntry(request, target, room, name, &stat, next) }
    }

    /// Adds a name with its attributes, for readdirplus; the kernel counts a lookup unless it is `.` or `..`
    /// (`isCounted` false).
    mutating func append(_ name: [UInt8], _ entry: Entry, isCounted: Bool, next: off_t) {
        var parameter = style.entry(entry)
        if !isCounted { parameter.ino = 0 }
        append(name) { request, target, room, name in
            fuse_add_direntry_plus(request, target, room, name, &parameter, next)
        }
        if isCounted { lookedUp.append(entry.attributes.number) }
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
