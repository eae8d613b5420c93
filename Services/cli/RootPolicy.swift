import Client
import EventLoop
import Protocol

/// The policies of a laptop cluster's root directory.
///
/// Small files are mirrored: Reed–Solomon cells of a few bytes each would cost a 4 KiB page per block. Mirroring keeps as
/// many losses harmless as the parity of the large spans does.
struct RootPolicy {
    /// Spans up to this size are mirrored.
    static let mirroredBytes: UInt32 = 64 << 10
    /// A multiple of the page size, at most 100 MiB (wire-protocol 18).
    static let largestSpanBytes: UInt32 = 16 << 20
    static let targetStripeBytes: UInt32 = 4 << 20

    private let info: DirectoryInfo

    init(_ policy: RedundancyPolicy, keepDeleted: KeepTime) {
        var spans: [SpanPolicyEntry] = []
        switch policy {
        case .single:
            spans = [SpanPolicyEntry(maxSize: Self.largestSpanBytes, parity: Parity(data: 1, parity: 0))]
        case .mirror(let copies):
            let parity = Parity(data: 1, parity: UInt8(copies - 1))
            spans = [SpanPolicyEntry(maxSize: Self.largestSpanBytes, parity: parity)]
        case .reedSolomon(let data, let parity):
            spans = [
                SpanPolicyEntry(maxSize: Self.mirroredBytes, parity: Parity(data: 1, parity: UInt8(parity))),
                SpanPolicyEntry(
                    maxSize: Self.largestSpanBytes, parity: Parity(data: UInt8(data), parity: UInt8(parity))),
            ]
        }
        info = DirectoryInfo(
            snapshot: SnapshotPolicy(
                deleteAfterTime: .active(nanoseconds: keepDeleted.nanoseconds), deleteAfterVersions: .inactive),
            span: SpanPolicy(entries: spans),
            block: BlockPolicy(entries: [BlockPolicyEntry(storageClass: .flash, minSize: 0)]),
            stripe: StripePolicy(targetStripeSize: Self.targetStripeBytes))
    }

    /// Sets the policies through the public protocol; `completion` gets nil or what went wrong, on the loop.
    func apply(registry: SocketAddress, on loop: EventLoop, completion: @escaping (String?) -> Void) {
    }
}
