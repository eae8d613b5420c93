import CFUSE
import EventLoop
import Filesystem
import Glibc

/// Flags of setxattr(2).
private enum SetFlags {
    static let create: Int32 = 1
    static let replace: Int32 = 2
}

/// Extended attributes. Where they are not stored the answer is ENOSYS, and the kernel asks no more.
extension FuseOperations {
    static func setExtendedAttributes(_ operations: inout fuse_lowlevel_ops) {
        operations.getxattr = { request, number, name, size in
            guard FuseOperations.isServed(request) else { return }
            let (node, name) = (NodeID(kernel: number), FuseArgument.bytes(name))
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                .extended(try await filesystem.extendedAttribute(name, of: node), room: size)
            }
        }
        operations.listxattr = { request, number, size in
            guard FuseOperations.isServed(request) else { return }
            let (node, caller) = (NodeID(kernel: number), FuseArgument.caller(request))
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                let names = try await filesystem.extendedAttributeNames(of: node, for: caller)
                return .extended(names.flatMap { $0 + [0] }, room: size)
            }
        }
        operations.setxattr = { request, number, name, value, size, flags in
            guard FuseOperations.isServed(request) else { return }
            let (node, name) = (NodeID(kernel: number), FuseArgument.bytes(name))
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
            guard FuseOperations.isServed(request) else { return }
            let (node, name) = (NodeID(kernel: number), FuseArgument.bytes(name))
            FuseArgument.serve(request) { filesystem throws(FilesystemError) in
                try await filesystem.removeExtendedAttribute(name, of: node)
                return .done
            }
        }
    }

    private static func isServed(_ request: OpaquePointer?) -> Bool {
        guard let mount = FuseArgument.mount(request), mount.filesystem.assumeIsolated({ $0.storesOwnership }) else {
            fuse_reply_err(request, ENOSYS)
            return false
        }
        return true
    }
}
