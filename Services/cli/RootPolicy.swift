import Client
import EventLoop
import Protocol
import Wire

/// The policies of a laptop cluster's root directory.
///
/// Small files are mirrored: Reed–Solomon cells of a few bytes each would cost a 4 KiB page per block. Mirroring keeps
/// as many losses harmless as the parity of the large spans does.
struct RootPolicy {
    /// Spans up to this size are mirrored.
    static let mirroredBytes: UInt32 = 64 << 10
    /// A multiple of the page size, at most 100 MiB (wire-protocol 18).
    static let largestSpanBytes: UInt32 = 16 << 20
    static let targetStripeBytes: UInt32 = 4 << 20

    private let info: DirectoryInfo

    /// Throws when the policies do not fit a directory's info, which would be a defect here.
    init(_ policy: RedundancyPolicy, keepDeleted: KeepTime) throws(EncodeError) {
        var info = DirectoryInfo(entries: [])
        try info.set(
            SnapshotPolicy(
                deleteAfterTime: DeleteAfterTime(nanoseconds: keepDeleted.nanoseconds), deleteAfterVersions: .inactive))
        try info.set(Self.spans(policy))
        try info.set(BlockPolicy(entries: [BlockPolicyEntry(storageClass: .flash, minSize: 0)]))
        try info.set(StripePolicy(targetStripeSize: Self.targetStripeBytes))
        self.info = info
    }

    private static func spans(_ policy: RedundancyPolicy) -> SpanPolicy {
        func entry(upTo size: UInt32, _ data: Int, _ parity: Int) -> SpanPolicyEntry {
            SpanPolicyEntry(maxSize: size, parity: Parity(data: data, parity: parity))
        }
        switch policy {
        case .single:
            return SpanPolicy(entries: [entry(upTo: largestSpanBytes, 1, 0)])
        case .mirror(let copies):
            return SpanPolicy(entries: [entry(upTo: largestSpanBytes, 1, copies - 1)])
        case .reedSolomon(let data, let parity):
            return SpanPolicy(entries: [
                entry(upTo: mirroredBytes, 1, parity), entry(upTo: largestSpanBytes, data, parity),
            ])
        }
    }

    /// Sets the policies through the public protocol; `completion` gets nil or what went wrong, on the loop.
    func apply(
        registries: [SocketAddress], on loop: EventLoop, completion: @escaping @Sendable (String?) -> Void
    ) {
        loop.task {
            do throws(ClientError) {
                let client = try Client(loop: loop, registries: registries)
                do throws(ClientError) {
                    try await client.start()
                    _ = try await client.call(SetDirectoryInfoRequest(id: .root, info: info), shard: InodeID.root.shard)
                } catch {
                    await client.close()
                    throw error
                }
                await client.close()
                completion(nil)
            } catch {
                completion("\(error)")
            }
        }
    }
}
