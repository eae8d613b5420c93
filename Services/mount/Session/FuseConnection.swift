import CFUSE

/// What is agreed with the kernel when the mount begins.
enum FuseConnection {
    static let largestTransfer: UInt32 = 1 << 20

    /// `want` and the capabilities are declared with different signedness.
    private static let wanted = [
        FUSE_CAP_ASYNC_READ, FUSE_CAP_ASYNC_DIO, FUSE_CAP_ATOMIC_O_TRUNC, FUSE_CAP_PARALLEL_DIROPS,
        FUSE_CAP_READDIRPLUS, FUSE_CAP_READDIRPLUS_AUTO, FUSE_CAP_CACHE_SYMLINKS,
        FUSE_CAP_EXPORT_SUPPORT,
    ]

    /// Splicing costs more than it saves at these sizes. When contents change elsewhere the kernel is told, so times need
    /// not make it suspicious. With a write-back cache it would write after close.
    private static let unwanted = [
        FUSE_CAP_SPLICE_READ, FUSE_CAP_SPLICE_WRITE, FUSE_CAP_SPLICE_MOVE, FUSE_CAP_AUTO_INVAL_DATA,
        FUSE_CAP_WRITEBACK_CACHE,
    ]

    static func configure(_ connection: inout fuse_conn_info) {
        for capability in wanted { connection.want |= UInt32(capability) & connection.capable }
        for capability in unwanted { connection.want &= ~UInt32(capability) }
        connection.max_write = largestTransfer
        connection.max_readahead = 16 << 20
        connection.max_background = 128
        connection.congestion_threshold = 96
        connection.time_gran = 1
    }
}
