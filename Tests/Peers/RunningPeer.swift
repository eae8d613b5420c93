import Consensus
import EventLoop
import Metrics
import Peers
import Protocol
import Synchronization
import TestSupport

/// A process's connections on a loop of their own, and what they have told.
///
/// `@unchecked Sendable`: what the loop's thread writes is synchronised; `transport` is only used by its rules.
final class RunningPeer: @unchecked Sendable {
    struct Frame: Equatable {
        let from: PeerIdentity
        let bytes: [UInt8]
    }

    private struct Story {
        var address: Result<SocketAddress, SystemError>?
        var frames: [Frame] = []
        var connected: [PeerIdentity] = []
        var lost: [PeerIdentity] = []
    }

    let identity: PeerIdentity
    let transport: PeerTransport
    let address: SocketAddress
    let counters = Counters()
    let pages = LogPages()
    private let story: Monitor<Story>
    private let loop: EventLoop
    private let thread: SystemThread
    private let isStopped = Atomic(false)

    init(
        _ slot: Int, life: UInt64 = 1, _ service: PeerService = .shards, keys: KeyRing = .ofTests,
        at address: SocketAddress = .loopback(port: 0), change: (inout PeerSettings) -> Void = { _ in }
    ) throws {
        let identity = PeerIdentity(slot, life: life, service)
        var settings = PeerSettings()
        change(&settings)
        let story = Monitor(Story())
        let loop = try EventLoop()
        let transport = PeerTransport(
            on: loop, identity, keys: keys, settings: settings, counters: counters, logger: pages.logger)
        transport.onFrame = { peer, bytes in
            story.withLock { $0.frames.append(Frame(from: peer, bytes: Array(bytes))) }
        }
        transport.onConnected = { peer in story.withLock { $0.connected.append(peer) } }
        transport.onLost = { peer in story.withLock { $0.lost.append(peer) } }
        loop.submit {
            do throws(SystemError) {
                let bound = try transport.listen(on: address)
                story.update { $0.address = .success(bound) }
            } catch {
                story.update { $0.address = .failure(error) }
            }
        }
        thread = try SystemThread(name: "peer") {
            loop.run()
            transport.close()
            loop.close()
        }
        self.address = try story.wait { $0.address }.get()
        (self.identity, self.story, self.loop, self.transport) = (identity, story, loop, transport)
    }

    deinit { stop() }

    /// As a process that ends.
    func stop() {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        loop.stop()
        thread.join()
    }

    var frames: [Frame] { story.withLock { $0.frames } }
    var connected: [PeerIdentity] { story.withLock { $0.connected } }
    var lost: [PeerIdentity] { story.withLock { $0.lost } }

    func count(_ name: String) -> UInt64 { counters.counter(name).value }

    func refused(_ cause: PeerRefusal) -> UInt64 { count("peers_refused_\(cause)_total") }

    var waitingBytes: UInt64 { counters.snapshot().first { $0.name == "peers_waiting_bytes" }?.value ?? 0 }

    func dial(_ peer: RunningPeer) { transport.setAddresses([peer.address], of: peer.identity.slot) }

    /// Sends a frame once that is possible.
    func send(_ frame: EncodedFrame, to peer: PeerIdentity) -> Bool {
        happens { transport.send(frame, to: peer.slot) }
    }

    func isConnected(to peer: PeerIdentity) -> Bool { connected.contains(peer) }
}

extension PeerIdentity {
    init(_ slot: Int, life: UInt64 = 1, _ service: PeerService = .shards) {
        self.init(service: service, slot: ReplicaSlot.all[slot], incarnation: Incarnation(rawValue: life))
    }
}

extension KeyRing {
    /// Of the cluster that tests are in.
    static let ofTests = KeyRing(
        cluster: ClusterKey(hexadecimal: TemporaryDirectory.keyDigits), takesWellKnown: false)
    static let ofOthers = KeyRing(
        cluster: ClusterKey(hexadecimal: String(repeating: "f0", count: 32)), takesWellKnown: false)
    /// Without a key.
    static let open = KeyRing(cluster: nil, takesWellKnown: true)
    /// While a cluster gets a key.
    static let both = KeyRing(cluster: KeyRing.ofTests.cluster, takesWellKnown: true)
}

/// A frame of a kind that nobody reads.
func testFrame(_ bytes: [UInt8], _ priority: FramePriority = .ordinary) -> EncodedFrame {
    // Tests make none that are too long.
    // swift-format-ignore: NeverUseForceTry
    try! EncodedFrame(kind: 100, body: Blob(bytes: bytes), priority)
}

/// Bytes with nothing around them.
struct Blob: WireValue {
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    static var minimumWireSize: Int { 0 }
    var encodedSize: Int { bytes.count }

    init(from reader: inout WireReader) throws(DecodeError) { bytes = Array(reader.rest()) }
    func encode(into writer: inout WireWriter) throws(EncodeError) { try writer.raw(bytes) }
}
