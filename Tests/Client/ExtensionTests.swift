import Client
import EventLoop
import Glibc
import Protocol
import TestServices
import Testing
import Wire

/// How a client learns what a cluster can do, and that it asks for no more.
@Suite struct ExtensionTests {
    /// What the registry does when it is asked for the extensions.
    private enum Registry {
        case tells([ProtocolExtension])
        case closes
        case closesOnceThenTells([ProtocolExtension])
        case tellsOnceThenCloses([ProtocolExtension])
        case refuses
    }

    /// The kinds of the coordinator requests that a mkdir sends, and how the mkdir ended.
    private func makeDirectory(_ registry: Registry) async throws -> Ending {
        try await run(registry) { (client) throws(ClientError) in
            _ = try await client.makeDirectory(Array("d".utf8), in: .root)
        }
    }

    private struct Ending: Sendable {
        var kinds: [UInt8]
        var outcome: Int32
        var timesAsked: Int
    }

    private func run(
        _ registry: Registry, _ options: ClientOptions = ClientOptions(),
        _ body: @escaping @Sendable (Client) async throws(ClientError) -> Void
    ) async throws -> Ending {
        try await onLoop { loop, finish in
            let services = try FakeServices(on: loop) { count in
                switch registry {
                case .tells(let extensions): extensions
                case .closes: nil
                case .closesOnceThenTells(let extensions): count == 1 ? nil : extensions
                case .tellsOnceThenCloses(let extensions): count == 1 ? extensions : nil
                case .refuses: []
                }
            }
            services.refuses = if case .refuses = registry { true } else { false }
            let client = try Client(loop: loop, registries: [services.registry], options: options)
            loop.task {
                var outcome: Int32 = 0
                do throws(ClientError) {
                    try await client.start()
                    try await body(client)
                } catch {
                    outcome = error.errno
                }
                await client.close()
                let ending = Ending(kinds: services.kinds, outcome: outcome, timesAsked: services.timesAsked)
                services.close()
                finish(ending)
            }
        }
    }

    @Test func aClusterThatCanIsAskedForTheExclusiveForm() async throws {
        let ending = try await makeDirectory(.tells([ProtocolExtension(rawValue: 999), .exclusiveMakeDirectory]))
        #expect(ending.kinds == [CdcKind.makeDirectoryExclusive.rawValue])
        #expect(ending.outcome == EEXIST)
    }

    @Test func theBaseProtocolIsAllThatOthersGet() async throws {
        for registry in [.closes, .refuses, .tells([]), .tells([ProtocolExtension(rawValue: 999)])] as [Registry] {
            let ending = try await makeDirectory(registry)
            #expect(ending.kinds == [CdcKind.makeDirectory.rawValue])
            #expect(ending.outcome == 0)
        }
    }

    @Test func aRegistryThatWasJustEndingIsAskedAgain() async throws {
        let ending = try await makeDirectory(.closesOnceThenTells([.exclusiveMakeDirectory]))
        #expect(ending.kinds == [CdcKind.makeDirectoryExclusive.rawValue])
    }

    /// A registry that crashes twice in a row is no older for it.
    @Test func whatWasToldHoldsWhenConnectionsClose() async throws {
        var options = ClientOptions()
        options.extensionsNanoseconds = 1
        let ending = try await run(.tellsOnceThenCloses([.exclusiveMakeDirectory]), options) {
            (client) throws(ClientError) in
            try await client.refresh()
            _ = try await client.makeDirectory(Array("d".utf8), in: .root)
        }
        #expect(ending.timesAsked == 3)
        #expect(ending.kinds == [CdcKind.makeDirectoryExclusive.rawValue])
    }

    /// To a registry that does not know the question it is an error each time.
    @Test(arguments: [Registry.closes, .tells([]), .tells([.linkWithSpan])])
    private func aRegistryWithoutExtensionsIsAskedEverMoreRarely(_ registry: Registry) async throws {
        var options = ClientOptions()
        options.extensionsNanoseconds = 1_000_000
        let asked = try await run(registry, options) { (client) throws(ClientError) in
            for _ in 0..<40 {
                await client.loop.sleep(nanoseconds: 2_000_000)
                try await client.refresh()
            }
        }.timesAsked
        // Each time it closes it is asked once more. Doubling from a millisecond, 17 times last more than a minute.
        if case .tells(let known) = registry, !known.isEmpty { #expect(asked >= 40) } else { #expect(asked <= 36) }
    }

    @Test func theBaseProtocolCanBeAskedForByOption() async throws {
        var options = ClientOptions()
        options.isBaseProtocolOnly = true
        let ending = try await run(.tells([.exclusiveMakeDirectory]), options) { (client) throws(ClientError) in
            _ = try await client.makeDirectory(Array("d".utf8), in: .root)
        }
        #expect(ending.kinds == [CdcKind.makeDirectory.rawValue])
        #expect(ending.timesAsked == 0)
    }

    @Test(arguments: [true, false]) func aDirectoryIsReplacedInOneStepWhereThatCanBe(_ isPossible: Bool) async throws {
        let ending = try await run(isPossible ? .tells([.replaceDirectory]) : .closes) { (client) throws(ClientError) in
            try await client.rename(Array("old".utf8), in: .root, to: Array("new".utf8), in: .root)
        }
        let kind = isPossible ? CdcKind.replaceDirectory : .softUnlinkDirectory
        #expect(ending.kinds == [kind.rawValue])
        // Here the name is there again when the other way comes to its second step.
        #expect(ending.outcome == (isPossible ? 0 : EEXIST))
    }

    @Test func notReplacingMeansNot() async throws {
        let ending = try await run(.tells([.replaceDirectory])) { (client) throws(ClientError) in
            try await client.rename(
                Array("old".utf8), in: .root, to: Array("new".utf8), in: .root, replacesDirectory: false)
        }
        #expect(ending.kinds == [])
        #expect(ending.outcome == EEXIST)
    }
}

/// A registry, and shards and a coordinator in whose eyes every name is a directory.
///
/// `@unchecked Sendable`: used on its loop only.
private final class FakeServices: @unchecked Sendable {
    private(set) var kinds: [UInt8] = []
    var refuses = false
    private let extensions: (Int) -> [ProtocolExtension]?
    private var listener: TCPListener?
    private let coordinator: UDPSocket
    private(set) var timesAsked = 0
    let registry: SocketAddress

    /// - Parameter extensions: gets how often it was asked; nil closes the connection.
    init(on loop: EventLoop, extensions: @escaping (Int) -> [ProtocolExtension]?) throws {
        self.extensions = extensions
        coordinator = try UDPSocket(on: loop, binding: .loopback(port: 0))
        var accept: ((TCPConnection) -> Void)?
        let listener = try TCPListener(on: loop, binding: .loopback(port: 0)) { accept?($0) }
        self.listener = listener
        registry = listener.localAddress
        accept = { [unowned self] connection in serve(connection) }
        coordinator.onDatagram = { [unowned self] datagram, sender in answer(datagram, sender) }
    }

    func close() {
        listener?.close()
        listener = nil
        coordinator.close()
    }

    private func serve(_ connection: TCPConnection) {
        connection.onData = { [unowned self] bytes in
            // Requests here are one small frame each, so they come whole; the kind is the ninth byte.
            guard bytes.count >= 9, let answer = try? self.answer(kind: bytes[8]) else { return connection.close() }
            connection.write(answer)
        }
        connection.onEnd = { _ in connection.close() }
        connection.resumeReading()
    }

    private func answer(kind: UInt8) throws -> [UInt8]? {
        let address = FakeShards.addresses(coordinator.localAddress)
        switch RegistryKind(rawValue: kind) {
        case .localShards:
            let shards = [ShardInfo](repeating: ShardInfo(addrs: address, lastSeen: .zero), count: 256)
            return try RegistryFrame.encoded(.registryResponse, kind: kind, body: LocalShardsResponse(shards: shards))
        case .localCdc:
            let response = LocalCdcResponse(addrs: address, lastSeen: .zero)
            return try RegistryFrame.encoded(.registryResponse, kind: kind, body: response)
        case .extensions:
            timesAsked += 1
            if refuses {
                return try RegistryFrame.encoded(.registryResponse, kind: 0, body: ProtocolError.unrecognizedRequest)
            }
            return try extensions(timesAsked).map {
                try RegistryFrame.encoded(.registryResponse, kind: kind, body: ExtensionsResponse(extensions: $0))
            }
        default: return nil
        }
    }

    private func answer(_ datagram: UnsafeRawBufferPointer, _ sender: SocketAddress) {
        if let packet = try? PlainPacket(datagram, expecting: .cdcRequest) {
            kinds.append(packet.kind)
            let response: AnyCdcResponse? =
                switch CdcKind(rawValue: packet.kind) {
                case .makeDirectory: .makeDirectory(MakeDirectoryResponse(id: .root, creationTime: .zero))
                case .softUnlinkDirectory: .softUnlinkDirectory(SoftUnlinkDirectoryResponse())
                case .replaceDirectory: .replaceDirectory(ReplaceDirectoryResponse(creationTime: .zero))
                default: nil
                }
            let body = response.flatMap { try? encodedBytes(capacity: $0.encodedSize, $0.encode) }
            send(.cdcResponse, packet, body, sender)
        } else if let packet = try? PlainPacket(datagram, expecting: .shardRequest) {
            var body: [UInt8]?
            if packet.kind == ShardKind.lookup.rawValue, let request = try? LookupRequest(decoding: packet.body) {
                let id = InodeID(
                    type: .directory, shard: ShardID(rawValue: 0), index: UInt64(request.name.first ?? 0))
                body = try? LookupResponse(targetId: id, creationTime: .zero).encoded()
            }
            send(.shardResponse, packet, body, sender)
        }
    }

    /// - Parameter body: nil for CANNOT_OVERRIDE_NAME.
    private func send(_ word: ProtocolWord, _ request: PlainPacket, _ body: [UInt8]?, _ receiver: SocketAddress) {
        let (kind, id) = (request.kind, request.requestID)
        coordinator.send(to: receiver) { room in
            var writer = WireWriter(room)
            do {
                if let body {
                    try PlainPacket.writeHeader(word, requestID: id, kind: kind, into: &writer)
                    for byte in body { try writer.write(byte) }
                } else {
                    try PlainPacket.write(word, requestID: id, error: .cannotOverrideName, into: &writer)
                }
                return writer.count
            } catch {
                return 0
            }
        }
    }
}
