import Client
import EventLoop
import Protocol
import TestServices
import Testing
import Wire

/// What the connection does when registries answer, refuse, hang up, keep silent or talk nonsense.
@Suite struct RegistryConnectionTests {
    private typealias Outcome = Result<InfoResponse, RegistryCallError>
    private static let info = InfoResponse(
        numBlockServices: 3, numFailureDomains: 2, capacity: 10, available: 5, blocks: 1)

    /// A response frame of INFO.
    private static func answer() throws -> [UInt8] {
        try RegistryFrame.encoded(.registryResponse, kind: RegistryKind.info.rawValue, body: info)
    }

    @Test func answersComeBackInOrderOverOneConnection() async throws {
        let results: [Outcome] = try await onLoop { loop, finish in
            let server = try ScriptedRegistry(on: loop) { _ in try? .reply(Self.answer()) }
            let connection = RegistryConnection(on: loop, addresses: [server.address])
            var results: [Outcome] = []
            for _ in 0..<20 {
                connection.call(InfoRequest()) { result in
                    results.append(result)
                    guard results.count == 20 else { return }
                    #expect(server.connections == 1 && server.requests == 20)
                    connection.close()
                    finish(results)
                }
            }
        }
        for result in results { #expect(try result.get() == Self.info) }
    }

    @Test func theAsyncFormWorksOnTheLoopOfAnActor() async throws {
        let answer: InfoResponse =
            try await onLoop { loop, finish in
                let server = try ScriptedRegistry(on: loop) { _ in try? .reply(Self.answer()) }
                let caller = Caller(loop: loop, address: server.address)
                loop.task { finish(try? await caller.info()) }
            } ?? InfoResponse(numBlockServices: 0, numFailureDomains: 0, capacity: 0, available: 0, blocks: 0)
        #expect(answer == Self.info)
    }

    @Test func refusalsAreErrorCodes() async throws {
        let result: Outcome = try await onLoop { loop, finish in
            let server = try ScriptedRegistry(on: loop) { _ in
                try? .reply(RegistryFrame.encoded(.registryResponse, kind: 0, body: ProtocolError.locationNotFound))
            }
            RegistryConnection(on: loop, addresses: [server.address]).call(InfoRequest(), finish)
        }
        guard case .failure(.refused(.locationNotFound)) = result else {
            Issue.record("\(result)")
            return
        }
    }

    @Test func aClosedConnectionMeansAnotherTryElsewhere() async throws {
        let result: Outcome = try await onLoop { loop, finish in
            let follower = try ScriptedRegistry(on: loop) { _ in .hangUp }
            let leader = try ScriptedRegistry(on: loop) { _ in try? .reply(Self.answer()) }
            let addresses = [follower.address, leader.address]
            RegistryConnection(on: loop, addresses: addresses).call(InfoRequest()) { result in
                #expect(follower.requests == 1 && leader.requests == 1)
                finish(result)
            }
        }
        #expect(try result.get() == Self.info)
    }

    @Test func aRegistryThatComesBackIsFoundAgain() async throws {
        let result: Outcome = try await onLoop { loop, finish in
            let server = try ScriptedRegistry(on: loop) { count in count < 3 ? .hangUp : try? .reply(Self.answer()) }
            RegistryConnection(on: loop, addresses: [server.address]).call(InfoRequest(), finish)
        }
        #expect(try result.get() == Self.info)
    }

    @Test func nobodyThereIsATimeoutThatNamesTheCause() async throws {
        let result: Outcome = try await onLoop { loop, finish in
            let nobody = try ScriptedRegistry(on: loop) { _ in .hangUp }
            nobody.close()
            RegistryConnection(on: loop, addresses: [nobody.address])
                .call(InfoRequest(), timeoutNanoseconds: 200_000_000, finish)
        }
        guard case .failure(.timedOut(let cause)) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(cause.contains("connect"))
    }

    /// Two calls at once, of which the first has little time.
    private static func callTwice(_ connection: RegistryConnection, _ finish: @escaping ([Outcome]) -> Void) {
        var results: [Outcome] = []
        connection.call(InfoRequest(), timeoutNanoseconds: 100_000_000) { results.append($0) }
        connection.call(InfoRequest()) { result in
            results.append(result)
            finish(results)
        }
    }

    private static func expectTimeoutAndAnswer(_ results: [Outcome]) throws {
        guard case .failure(.timedOut) = results[0] else {
            Issue.record("\(results[0])")
            return
        }
        #expect(try results[1].get() == info)
    }

    @Test func silenceTimesOutAndTheNextCallIsAnswered() async throws {
        let results: [Outcome] = try await onLoop { loop, finish in
            let server = try ScriptedRegistry(on: loop) { count in count == 1 ? nil : try? .reply(Self.answer()) }
            let connection = RegistryConnection(on: loop, addresses: [server.address])
            Self.callTwice(connection, finish)
        }
        try Self.expectTimeoutAndAnswer(results)
    }

    /// A machine that hears and is not heard: the question goes to another one while there is time.
    @Test func whoSaysNothingIsLeftForTheNext() async throws {
        let result: Outcome = try await onLoop { loop, finish in
            let silent = try ScriptedRegistry(on: loop) { _ in nil }
            let server = try ScriptedRegistry(on: loop) { _ in try? .reply(Self.answer()) }
            let connection = RegistryConnection(on: loop, addresses: [silent.address, server.address])
            connection.call(InfoRequest()) { result in
                #expect(silent.requests == 1 && server.requests == 1)
                finish(result)
            }
        }
        #expect(try result.get() == Self.info)
    }

    @Test(
        arguments: [
            [0x53, 0x48, 0x55, 0x00, 1, 0, 0, 0, 8],  // a request's protocol word
            [0x53, 0x48, 0x55, 0x01, 0, 0, 0, 0],  // no kind
            [0x53, 0x48, 0x55, 0x01, 1, 0, 0, 0, 8],  // a body that is too short
            [0x53, 0x48, 0x55, 0x01, 2, 0, 0, 0, 0, 19],  // half an error code
            [0x53, 0x48, 0x55, 0x01, 3, 0, 0, 0, 9, 0, 0],  // another kind
            [0x53, 0x48, 0x55, 0x01, 0xff, 0xff, 0xff, 0xff, 8],  // four gigabytes
            [0x53, 0x48, 0x55, 0x01, 3, 0, 0, 0, 0, 19, 0, 7],  // something after the answer
        ] as [[UInt8]])
    func nonsenseIsMalformed(answer: [UInt8]) async throws {
        let result: Outcome = try await onLoop { loop, finish in
            let server = try ScriptedRegistry(on: loop) { _ in .reply(answer) }
            RegistryConnection(on: loop, addresses: [server.address]).call(InfoRequest(), finish)
        }
        guard case .failure(.malformed) = result else {
            Issue.record("\(result)")
            return
        }
    }

    // MARK: With the cluster's key

    private static func key() throws -> ClusterKey {
        try #require(ClusterKey(hexadecimal: String(repeating: "5a", count: 32)))
    }

    private static let challenge = ChallengeResponse(low: 0x0123_4567_89ab_cdef, high: 77)

    /// What a registry that knows the key answers to the n-th request of a connection.
    private static func prover(_ number: Int) throws -> [UInt8] {
        switch number {
        case 1: try RegistryFrame.encoded(.registryResponse, kind: RegistryKind.challenge.rawValue, body: challenge)
        case 2: try RegistryFrame.encoded(.registryResponse, kind: RegistryKind.prove.rawValue, body: ProveResponse())
        default: try answer()
        }
    }

    @Test func aNewConnectionIsProvenBeforeAnythingElse() async throws {
        let key = try Self.key()
        let (kinds, proof): ([RegistryKind?], [UInt8]) = try await onLoop { loop, finish in
            // The first connection ends with its question: the second is proven anew, and not twice.
            let server = try ScriptedRegistry(on: loop) { number in
                switch number {
                case 1...3: number == 3 ? .hangUp : try? .reply(Self.prover(number))
                default: try? .reply(Self.prover(number - 3))
                }
            }
            let connection = RegistryConnection(on: loop, addresses: [server.address], key: key)
            connection.call(InfoRequest()) { first in
                #expect((try? first.get()) == Self.info)
                connection.call(InfoRequest()) { second in
                    #expect((try? second.get()) == Self.info)
                    finish((server.kinds, server.bodies[1]))
                }
            }
        }
        #expect(kinds == [.challenge, .prove, .info, .challenge, .prove, .info, .info])
        let expected = ProveRequest(proof: Self.challenge.proof(MACKey(key.key(for: .registryConnections))))
        #expect(proof == (try expected.encoded()))
    }

    @Test("a registry with another key: the call says so, and nothing was asked unproven")
    func anotherKeyIsRefused() async throws {
        let key = try Self.key()
        let (result, kinds): (Outcome, [RegistryKind?]) = try await onLoop { loop, finish in
            let server = try ScriptedRegistry(on: loop) { number in
                if number == 1 { return try? .reply(Self.prover(1)) }
                return try? .reply(
                    RegistryFrame.encoded(.registryResponse, kind: 0, body: ProtocolError.notAuthorised))
            }
            RegistryConnection(on: loop, addresses: [server.address], key: key)
                .call(InfoRequest()) { finish(($0, server.kinds)) }
        }
        guard case .failure(.refused(.notAuthorised)) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(kinds == [.challenge, .prove])
    }

    @Test("a registry that knows no keys closes: the next one is asked, and the reason is told")
    func aRegistryWithoutKeys() async throws {
        let key = try Self.key()
        let result: Outcome = try await onLoop { loop, finish in
            let old = try ScriptedRegistry(on: loop) { _ in .hangUp }
            let new = try ScriptedRegistry(on: loop) { number in try? .reply(Self.prover(number)) }
            RegistryConnection(on: loop, addresses: [old.address, new.address], key: key)
                .call(InfoRequest()) { result in
                    #expect(old.kinds == [.challenge] && new.kinds == [.challenge, .prove, .info])
                    finish(result)
                }
        }
        #expect(try result.get() == Self.info)
        let alone: Outcome = try await onLoop { loop, finish in
            let old = try ScriptedRegistry(on: loop) { _ in .hangUp }
            RegistryConnection(on: loop, addresses: [old.address], key: key)
                .call(InfoRequest(), timeoutNanoseconds: 200_000_000, finish)
        }
        guard case .failure(.timedOut(let reason)) = alone else {
            Issue.record("\(alone)")
            return
        }
        #expect(reason.contains("when the cluster's key was to be proven to it"))
    }

    @Test func aProofThatHangsIsGivenUp() async throws {
        let key = try Self.key()
        let results: [Outcome] = try await onLoop { loop, finish in
            let silent = try ScriptedRegistry(on: loop) { _ in nil }
            let server = try ScriptedRegistry(on: loop) { number in try? .reply(Self.prover(number)) }
            let connection = RegistryConnection(on: loop, addresses: [silent.address, server.address], key: key)
            Self.callTwice(connection, finish)
        }
        try Self.expectTimeoutAndAnswer(results)
    }

    @Test func creatingALocationIsNotRepeated() async throws {
        let result: Result<CreateLocationResponse, RegistryCallError> = try await onLoop { loop, finish in
            let server = try ScriptedRegistry(on: loop) { _ in .hangUp }
            let request = CreateLocationRequest(id: LocationID(rawValue: 1), name: [65])
            RegistryConnection(on: loop, addresses: [server.address]).call(request) { result in
                #expect(server.requests == 1)
                finish(result)
            }
        }
        guard case .failure(.closed) = result else {
            Issue.record("\(result)")
            return
        }
    }

    @Test func closingFailsWhatWaits() async throws {
        let results: [Outcome] = try await onLoop { loop, finish in
            let server = try ScriptedRegistry(on: loop) { _ in nil }
            let connection = RegistryConnection(on: loop, addresses: [server.address])
            var results: [Outcome] = []
            for _ in 0..<3 {
                connection.call(InfoRequest()) { result in
                    results.append(result)
                    if results.count == 3 { finish(results) }
                }
            }
            loop.timer(afterNanoseconds: 20_000_000) {
                connection.close()
                connection.call(InfoRequest()) { result in
                    if case .failure(.closed) = result { return }
                    Issue.record("\(result)")
                }
            }
        }
        for result in results {
            guard case .failure(.closed) = result else {
                Issue.record("\(result)")
                return
            }
        }
    }
}

/// An actor on the loop that uses the async form.
private actor Caller {
    private let loop: EventLoop
    private let address: SocketAddress

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(loop: EventLoop, address: SocketAddress) {
        self.loop = loop
        self.address = address
    }

    func info() async throws -> InfoResponse {
        let connection = RegistryConnection(on: loop, addresses: [address])
        defer { connection.close() }
        return try await connection.call(InfoRequest())
    }
}

/// Answers each request as it is told, on the same loop.
private final class ScriptedRegistry {
    enum Reaction {
        case reply([UInt8])
        case hangUp
    }

    private(set) var connections = 0
    private(set) var requests = 0
    /// The last byte of each request's prefix: its kind.
    private(set) var kinds: [RegistryKind?] = []
    private(set) var bodies: [[UInt8]] = []
    private var listener: TCPListener?
    let address: SocketAddress

    /// - Parameter react: gets the number of the request, from 1; nil = never answer.
    init(on loop: EventLoop, _ react: @escaping (Int) -> Reaction?) throws {
        var accept: ((TCPConnection) -> Void)?
        let listener = try TCPListener(on: loop, binding: .loopback(port: 0)) { accept?($0) }
        self.listener = listener
        address = listener.localAddress
        accept = { connection in
            self.connections += 1
            connection.onData = { bytes in
                // Requests here are one small frame each, so they come whole.
                #expect(bytes.count >= 9)
                self.requests += 1
                self.kinds.append(RegistryKind(rawValue: bytes[8]))
                self.bodies.append(Array(bytes[9...]))
                switch react(self.requests) {
                case .reply(let answer): connection.write(answer)
                case .hangUp: connection.close()
                case nil: break
                }
            }
            connection.onEnd = { _ in connection.close() }
            connection.resumeReading()
        }
    }

    func close() {
        listener?.close()
        listener = nil
    }
}
