import CFUSE
import Filesystem
import Glibc

/// The right to answer one request of the kernel.
///
/// `@unchecked Sendable`: libfuse allows a reply from any thread; only `FuseArgument` sends one, once.
struct FuseReply: @unchecked Sendable {
    let request: OpaquePointer

    init(_ request: OpaquePointer) {
        self.request = request
    }

    /// Whether the kernel has told that its caller got a signal, be it a harmless one.
    var isInterrupted: Bool { fuse_req_interrupted(request) != 0 }

    /// Sends the answer and gives the request up. False when the kernel no longer wants it (its caller was
    /// interrupted): what was opened or counted for it has to be undone.
    func send(_ answer: Answer, _ style: AttributeStyle) -> Bool {
        let status: Int32
        switch answer {
        case .done: status = fuse_reply_err(request, 0)
        case .failed(let error): status = fuse_reply_err(request, error.code)
        case .entry(let entry):
            var parameter = style.entry(entry)
            status = fuse_reply_entry(request, &parameter)
        case .created(let created):
            var parameter = style.entry(created.entry)
            var info = Self.info(created.opened)
            status = fuse_reply_create(request, &parameter, &info)
        case .attributes(let attributes):
            var stat = style.stat(attributes)
            status = fuse_reply_attr(request, &stat, attributes.validSeconds)
        case .opened(let opened):
            var info = Self.info(opened)
            status = fuse_reply_open(request, &info)
        case .target(let target):
            status = (target + [0]).withUnsafeBytes {
                fuse_reply_readlink(request, $0.baseAddress?.assumingMemoryBound(to: CChar.self))
            }
        case .data(let data):
            status = data.withUnsafeSegments { segments in
                let vectors = segments.map {
                    iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
                }
                return fuse_reply_iov(request, vectors, Int32(clamping: vectors.count))
            }
        case .controlled: status = fuse_reply_ioctl(request, 0, nil, 0)
        case .written(let count): status = fuse_reply_write(request, count)
        case .statistics(let info):
            var statistics = Self.statistics(info)
            status = fuse_reply_statfs(request, &statistics)
        case .extended(let bytes, 0): status = fuse_reply_xattr(request, bytes.count)
        case .extended(let bytes, let room) where bytes.count > room: status = fuse_reply_err(request, ERANGE)
        case .extended(let bytes, _):
            status = bytes.withUnsafeBytes {
                fuse_reply_buf(request, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
            }
        case .listing(let buffer):
            status = buffer.withUnsafeBytes {
                fuse_reply_buf(request, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
            }
        }
        return status == 0
    }

    private static func info(_ opened: OpenedFile) -> fuse_file_info {
        var info = fuse_file_info()
        info.fh = opened.handle.rawValue
        info.keep_cache = opened.keepsCache ? 1 : 0
        info.noflush = opened.hasSilentCloses ? 1 : 0
        return info
    }
}
