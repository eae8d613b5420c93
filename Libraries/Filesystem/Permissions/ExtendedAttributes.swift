import Client
import Glibc
import Protocol

/// The extended attributes of an inode, by name. Pure.
package struct ExtendedAttributes: Hashable, Sendable {
    package static let accessList = Array("system.posix_acl_access".utf8)
    package static let defaultList = Array("system.posix_acl_default".utf8)
    static func isList(_ name: [UInt8]) -> Bool { name == accessList || name == defaultList }

    /// Which rights of root a program has: gone as soon as its bytes are others.
    static let capability = AttributeLimits.capability

    private var values: [[UInt8]: [UInt8]] = [:]

    package init() {}

    package subscript(name: [UInt8]) -> [UInt8]? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// In a certain order.
    package var names: [[UInt8]] { values.keys.sorted { $0.lexicographicallyPrecedes($1) } }

    package var isEmpty: Bool { values.isEmpty }

    /// As the limit counts them.
    package var bytes: Int {
        values.reduce(0) { $0 + $1.key.count + $1.value.count + AttributeLimits.extendedOverhead }
    }

    /// Whether a name can be one.
    /// - Throws: EOPNOTSUPP for a namespace that there is not, EINVAL for a name without anything behind it.
    package static func check(_ name: [UInt8]) throws(FilesystemError) {
        if name == accessList || name == defaultList { return }
        for namespace in ["user.", "trusted.", "security."] where name.starts(with: namespace.utf8) {
            guard name.count > namespace.utf8.count else { throw .invalid }
            guard name.count <= 255 else { throw FilesystemError(ERANGE) }
            return
        }
        throw FilesystemError(EOPNOTSUPP)
    }

    /// Whether a list names it to somebody. One that was set when its name did not mean something else yet nobody can
    /// read any more, and whoever copies all that is listed would fail.
    package static func isVisible(_ name: [UInt8], to caller: Caller) -> Bool {
        guard !PlacementAttribute.reserves(name) else { return false }
        return caller.isPrivileged || !name.starts(with: "trusted.".utf8)
    }
}

/// What setxattr(2) was asked for.
public enum ExtendedAttributeUse: Hashable, Sendable {
    case set
    /// XATTR_CREATE: EEXIST if it is there.
    case create
    /// XATTR_REPLACE: ENODATA unless it is there.
    case replace
}
