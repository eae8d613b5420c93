import EventLoop
import Protocol
import TestSupport
import Testing
import Wire

/// Who may ask the registry for what.
@Suite(.timeLimit(.minutes(2))) struct RegistryAccessTests {
    private let secret = SecretKey(low: 0x0123_4567_89ab_cdef, high: 42)

    private var disk: RegisterBlockServiceInfo {
        RegisterBlockServiceInfo(
            id: BlockServiceID(rawValue: secret.low & .max >> 1), locationId: .default,
            addrs: AddrsInfo(
                addr1: IpPort(addrs: .loopback, port: 7), addr2: IpPort(addrs: IPv4Address(rawValue: 0), port: 0)),
            storageClass: .flash, failureDomain: FailureDomain(name: "one"), secretKey: secret, flags: [], flagsMask: 0,
            capacityBytes: 1 << 40, availableBytes: 1 << 40, blocks: 0, path: Array("host:/disk".utf8))
    }

    private func proofKey(_ digits: String = TemporaryDirectory.keyDigits) throws -> MACKey {
        MACKey(try #require(ClusterKey(hexadecimal: digits)).key(for: .registryConnections))
    }

    private func keys(_ client: BlockingClient) throws -> [SecretKey] {
        try client.call(AllBlockServicesDeprecatedRequest()).blockServices.map(\.secretKey)
    }

    @Test func whatChangesSomethingWantsAProof() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r", try directory.clusterKey())
        let stranger = try BlockingClient(registry.address)
        let register = RegisterBlockServicesRequest(blockServices: [disk])
        #expect(throws: ProtocolError.notAuthorised) { try stranger.call(register) }
        let flags = SetBlockServiceFlagsRequest(id: disk.id, flags: .decommissioned, flagsMask: 8)
        #expect(throws: ProtocolError.notAuthorised) { try stranger.call(flags) }
        #expect(throws: ProtocolError.notAuthorised) {
            try stranger.call(CreateLocationRequest(id: LocationID(rawValue: 3), name: [65]))
        }
        // A proof without a challenge, with another key, of another connection's challenge, and once too often.
        let key = try proofKey()
        #expect(throws: ProtocolError.notAuthorised) { try stranger.call(ProveRequest(proof: MAC(rawValue: 0))) }
        let wrong = try proofKey(String(repeating: "0", count: 64))
        let first = try stranger.call(ChallengeRequest())
        #expect(throws: ProtocolError.notAuthorised) { try stranger.call(ProveRequest(proof: first.proof(wrong))) }
        #expect(throws: ProtocolError.notAuthorised) { try stranger.call(ProveRequest(proof: first.proof(key))) }
        let friend = try BlockingClient(registry.address)
        let challenge = try friend.call(ChallengeRequest())
        _ = try friend.call(ProveRequest(proof: challenge.proof(key)))
        _ = try stranger.call(ChallengeRequest())
        #expect(throws: ProtocolError.notAuthorised) { try stranger.call(ProveRequest(proof: challenge.proof(key))) }
        #expect(throws: ProtocolError.notAuthorised) { try stranger.call(register) }
        #expect(try keys(friend) == [])

        _ = try friend.call(register)
        #expect(try keys(friend) == [secret])
        // What a mount needs is there for everybody, keys are not.
        #expect(try keys(stranger) == [SecretKey(low: 0, high: 0)])
        #expect(try stranger.call(LocalShardsRequest()).shards.count == 256)
    }

    @Test func withThePublishedKeysEverybodyMay() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r")
        let anybody = try BlockingClient(registry.address)
        _ = try anybody.call(RegisterBlockServicesRequest(blockServices: [disk]))
        #expect(try keys(anybody) == [secret])
    }
}
