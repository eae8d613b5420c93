import CFUSE
import Glibc
import Mutations
import Synchronization

/// What is agreed with the kernel when the mount begins. Thread-safe.
package final class FuseConnection: Sendable {
    static let largestTransfer: UInt32 = 1 << 20

    /// Whether modes, owners and ACLs are the cluster's, so that the kernel leaves to us what becomes of them.
    let storesPermissions: Bool
    /// The request whose answer is to be amended, by its number at the kernel; 0: none.
    private let amended = Atomic<UInt64>(0)
    private let isKillingAgreed = Atomic(false)
    /// Whether the kernel says with each write and truncation if it takes a program the right to run as its owner.
    package var tellsOfKilling: Bool { isKillingAgreed.load(ordering: .acquiring) }

    /// `want` and the capabilities are declared with different signedness.
    private static let wanted = [
        FUSE_CAP_ASYNC_READ, FUSE_CAP_ASYNC_DIO, FUSE_CAP_ATOMIC_O_TRUNC, FUSE_CAP_PARALLEL_DIROPS,
        FUSE_CAP_READDIRPLUS, FUSE_CAP_READDIRPLUS_AUTO, FUSE_CAP_CACHE_SYMLINKS,
        FUSE_CAP_EXPORT_SUPPORT,
    ]

    /// The umask does not count where a directory has a default ACL, which only we know.
    private static let wantedForPermissions = [FUSE_CAP_DONT_MASK, FUSE_CAP_POSIX_ACL]

    /// Splicing costs more than it saves at these sizes. When contents change elsewhere the kernel is told, so times need
    /// not make it suspicious. With a write-back cache it would write after close.
    private static let unwanted = [
        FUSE_CAP_SPLICE_READ, FUSE_CAP_SPLICE_WRITE, FUSE_CAP_SPLICE_MOVE, FUSE_CAP_AUTO_INVAL_DATA,
        FUSE_CAP_WRITEBACK_CACHE,
    ]

    package init(storesPermissions: Bool) {
        self.storesPermissions = storesPermissions
    }

    package func configure(_ connection: inout fuse_conn_info) {
        let wanted = Self.wanted + (storesPermissions ? Self.wantedForPermissions : [])
        for capability in wanted { connection.want |= UInt32(capability) & connection.capable }
        for capability in Self.unwanted { connection.want &= ~UInt32(capability) }
        connection.max_write = Self.largestTransfer
        connection.max_readahead = 16 << 20
        connection.max_background = 128
        connection.congestion_threshold = 96
        connection.time_gran = 1
    }

    // MARK: What libfuse cannot agree

    /// The kernel has made its offer, which libfuse will answer. Without FUSE_HANDLE_KILLPRIV_V2 it would ask for
    /// `security.capability` at every write, and clear set-user-ID bits by a mode that it remembers. (Never
    /// FUSE_SETXATTR_EXT, whose longer requests libfuse does not understand.)
    package func note(_ offeredFlags: UInt32, request: UInt64) {
        guard !Mutation.killingIsNotAgreed.isPlanted else { return }
        if offeredFlags & UInt32(FUSE_HANDLE_KILLPRIV_V2) != 0 { amended.store(request, ordering: .releasing) }
    }

    /// Adds to libfuse's answer, when this is it, what was noted. Any answer passes here on its way to the kernel.
    package func amend(_ answer: UnsafeMutableBufferPointer<iovec>) {
        let expected = amended.load(ordering: .acquiring)
        guard expected != 0, answer.count == 2,
            answer[0].iov_len >= MemoryLayout<fuse_out_header>.size,
            let header = answer[0].iov_base?.assumingMemoryBound(to: fuse_out_header.self),
            header.pointee.unique == expected
        else { return }
        amended.store(0, ordering: .releasing)
        guard header.pointee.error == 0, answer[1].iov_len >= MemoryLayout<fuse_init_out>.size else { return }
        let agreed = answer[1].iov_base.assumingMemoryBound(to: fuse_init_out.self)
        agreed.pointee.flags |= UInt32(FUSE_HANDLE_KILLPRIV_V2)
        isKillingAgreed.store(true, ordering: .releasing)
    }
}
