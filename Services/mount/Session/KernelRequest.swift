import CFUSE

/// A request as the kernel has sent it, before libfuse takes it apart. Valid as long as the buffer that it lies in.
package struct KernelRequest {
    private let bytes: UnsafeMutableRawBufferPointer
    private let header: fuse_in_header

    /// Nil when it is not even a header long.
    package init?(_ bytes: UnsafeMutableRawBufferPointer) {
        self.bytes = bytes
        guard bytes.count >= MemoryLayout<fuse_in_header>.size else { return nil }
        header = bytes.loadUnaligned(as: fuse_in_header.self)
    }

    /// What is asked: an opcode of `linux/fuse.h`.
    package var kind: UInt32 { header.opcode }
    /// The kernel's number of it.
    package var number: UInt64 { header.unique }

    /// The flags of what the kernel offers, if this is the first request of all. Kernels before 5.17 send no more than
    /// the first four numbers of it.
    package var offeredFlags: UInt32? {
        guard kind == FUSE_INIT.rawValue, let place = MemoryLayout<fuse_init_in>.offset(of: \.flags),
            bytes.count >= Self.argumentOffset + place + MemoryLayout<UInt32>.size
        else { return nil }
        return bytes.loadUnaligned(fromByteOffset: Self.argumentOffset + place, as: UInt32.self)
    }

    /// That the set-user-ID and set-group-ID bits have to go, and a file's capabilities, the kernel says where libfuse
    /// does not look; it is said again among the flags of open(2), where the callbacks look.
    package func showKilling() {
        switch kind {
        case FUSE_OPEN.rawValue:
            change(fuse_open_in.self) { kills($0.open_flags, UInt32(FUSE_OPEN_KILL_SUIDGID), &$0.flags) }
        case FUSE_CREATE.rawValue:
            change(fuse_create_in.self) { kills($0.open_flags, UInt32(FUSE_OPEN_KILL_SUIDGID), &$0.flags) }
        case FUSE_WRITE.rawValue:
            change(fuse_write_in.self) { kills($0.write_flags, UInt32(FUSE_WRITE_KILL_SUIDGID), &$0.flags) }
        default: break
        }
    }

    private func kills(_ said: UInt32, _ flag: UInt32, _ flags: inout UInt32) {
        flags &= ~OpenFlags.killsSetuid
        if said & flag != 0 { flags |= OpenFlags.killsSetuid }
    }

    private static var argumentOffset: Int { MemoryLayout<fuse_in_header>.size }

    private func argument<T: BitwiseCopyable>(_ type: T.Type) -> T? {
        guard bytes.count >= Self.argumentOffset + MemoryLayout<T>.size else { return nil }
        return bytes.loadUnaligned(fromByteOffset: Self.argumentOffset, as: type)
    }

    private func change<T: BitwiseCopyable>(_ type: T.Type, _ body: (inout T) -> Void) {
        guard var argument = argument(type) else { return }
        body(&argument)
        bytes.storeBytes(of: argument, toByteOffset: Self.argumentOffset, as: type)
    }
}
