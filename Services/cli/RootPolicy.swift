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

    let snapshot: SnapshotPolicy
    let span: SpanPolicy
    let block = BlockPolicy(entries: [BlockPolicyEntry(storageClass: .flash, minSize: 0)])
    let stripe = StripePolicy(targetStripeSize: targetStripeBytes)

    init(_ policy: RedundancyPolicy, keepDeleted: KeepTime) {
        snapshot = SnapshotPolicy(
            deleteAfterTime: DeleteAfterTime(nanoseconds: keepDeleted.nanoseconds), deleteAfterVersions: .inactive)
        func entry(upTo size: UInt32, _ data: Int, _ parity: Int) -> SpanPolicyEntry {
            SpanPolicyEntry(maxSize: size, parity: Parity(data: data, parity: parity))
        }
        switch policy {
        case .single:
            span = SpanPolicy(entries: [entry(upTo: Self.largestSpanBytes, 1, 0)])
        case .mirror(let copies):
            span = SpanPolicy(entries: [entry(upTo: Self.largestSpanBytes, 1, copies - 1)])
        case .reedSolomon(let data, let parity):
            span = SpanPolicy(entries: [
                entry(upTo: Self.mirroredBytes, 1, parity), entry(upTo: Self.largestSpanBytes, data, parity),
            ])
        }
    }

    /// Sets the policies through the public protocol; `completion` gets nil or what went wrong, on the loop.
    func apply(registry: SocketAddress, on loop: EventLoop, completion: @escaping @Sendable (String?) -> Void) {
        loop.task {
            do throws(ClientError) {
                let client = try Client(loop: loop, registries: [registry])
                do throws(ClientError) {
                    try await client.start()
                    try await client.setPolicy(snapshot, of: .root)
                    try await client.setPolicy(span, of: .root)
                    try await client.setPolicy(block, of: .root)
                    try await client.setPolicy(stripe, of: .root)
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
