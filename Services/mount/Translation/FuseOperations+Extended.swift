import CFUSE
import EventLoop
import Filesystem
import Glibc

/// Flags of setxattr(2).
private enum SetFlags {
    static let create: Int32 = 1
    static let replace: Int32 = 2
}

/// Extended attributes. Where they are not stored there are only those that tell where something is.
extension FuseOperations {
    static func setExtendedAttributes(_ operations: inout fuse_lowlevel_ops) {
        operations.getxattr = { request, number, name, size in
            let (node, name) = (NodeID(kernel: number), FuseArgument.bytes(name))
            guard FuseOperations.isServed(request, name) else { return }
            let isAnswered = FuseArgument.answerAtOnce(request) { filesystem throws(FilesystemError) in
                try filesystem.extendedAttributeNow(name, of: node).map { .extended($0, room: size) }
            }
            guard !isAnswered else { return }
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .extended(try await filesystem.extendedAttribute(name, of: node), room: size)
            }
        }
        operations.listxattr = { request, number, size in
            guard FuseOperations.isStored(request) else { return }
            let (node, caller) = (NodeID(kernel: number), FuseArgument.caller(request))
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                let names = try await filesystem.extendedAttributeNames(of: node, for: caller)
                return .extended(names.flatMap { $0 + [0] }, room: size)
            }
        }
        operations.setxattr = { request, number, name, value, size, flags in
            let (node, name) = (NodeID(kernel: number), FuseArgument.bytes(name))
            guard FuseOperations.isServed(request, name) else { return }
            let value = Array(UnsafeRawBufferPointer(start: value, count: size))
            let use: ExtendedAttributeUse =
                flags & SetFlags.create != 0 ? .create : flags & SetFlags.replace != 0 ? .replace : .set
            let caller = FuseArgument.caller(request)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                try await filesystem.setExtendedAttribute(name, value, of: node, use, by: caller)
                return .done
            }
        }
        operations.removexattr = { request, number, name in
            let (node, name) = (NodeID(kernel: number), FuseArgument.bytes(name))
            guard FuseOperations.isServed(request, name) else { return }
            let caller = FuseArgument.caller(request)
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                try await filesystem.removeExtendedAttribute(name, of: node, by: caller)
                return .done
            }
        }
    }

    /// Whether an attribute of this name is anything; otherwise the request is answered.
    private static func isServed(_ request: OpaquePointer?, _ name: [UInt8]) -> Bool {
        guard let mount = FuseArgument.mount(request) else { return false }
        if mount.filesystem.assumeIsolated({ $0.storesOwnership }) { return true }
        // A kernel that asks for one at every write is told that there are none at all, and asks no more.
        guard mount.connection.tellsOfKilling else {
            fuse_reply_err(request, ENOSYS)
            return false
        }
        guard Filesystem.tellsPlacement(name) else {
            fuse_reply_err(request, EOPNOTSUPP)
            return false
        }
        return true
    }

    /// Whether there are lists of them. ENOSYS: the kernel asks for no other one.
    private static func isStored(_ request: OpaquePointer?) -> Bool {
        guard let mount = FuseArgument.mount(request), mount.filesystem.assumeIsolated({ $0.storesOwnership }) else {
            fuse_reply_err(request, ENOSYS)
            return false
        }
        return true
    }
}
