import Protocol
import RegistryCore
import Testing

/// What inodes are shown with that have no owner of their own.
@Suite struct DefaultOwnershipTests {
    private func read(_ registry: RegistryHarness) throws -> DefaultOwnershipResponse {
        guard case .defaultOwnership(let found) = try registry.read(.defaultOwnership(DefaultOwnershipRequest())) else {
            throw ProtocolError.malformedResponse
        }
        return found
    }

    @Test func untilSomebodyChoosesItIsTheSuperusers() throws {
        let found = try read(try RegistryHarness())
        #expect(
            found
                == DefaultOwnershipResponse(isSet: false, uid: 0, gid: 0, fileMode: 0o644, directoryMode: 0o755))
    }

    @Test func whatIsChosenStays() throws {
        let registry = try RegistryHarness()
        let choice = SetDefaultOwnershipRequest(uid: 1000, gid: 100, fileMode: 0o640, directoryMode: 0o2750)
        #expect(try registry.refusal(.setDefaultOwnership(choice)) == nil)
        let expected = DefaultOwnershipResponse(
            isSet: true, uid: 1000, gid: 100, fileMode: 0o640, directoryMode: 0o2750)
        #expect(try read(registry) == expected)
        try registry.restart()
        #expect(try read(registry) == expected)
        let replica = try RegistryHarness()
        for entry in registry.entries { try replica.apply(entry) }
        #expect(try read(replica) == expected)
    }

    @Test func whatNoInodeCanHaveIsRefused() throws {
        let registry = try RegistryHarness()
        for choice in [
            SetDefaultOwnershipRequest(uid: .max, gid: 0, fileMode: 0, directoryMode: 0),
            SetDefaultOwnershipRequest(uid: 0, gid: .max, fileMode: 0, directoryMode: 0),
            SetDefaultOwnershipRequest(uid: 0, gid: 0, fileMode: 0o10000, directoryMode: 0),
            SetDefaultOwnershipRequest(uid: 0, gid: 0, fileMode: 0, directoryMode: .max),
        ] {
            #expect(try registry.refusal(.setDefaultOwnership(choice)) == .malformedRequest)
        }
        #expect(try !read(registry).isSet)
        #expect(RegistryKind.setDefaultOwnership.needsProof && !RegistryKind.defaultOwnership.needsProof)
    }

    @Test func inFrontOfOtherServersItIsUnknown() throws {
        var configuration = RegistryConfiguration()
        configuration.extensions = []
        let registry = try RegistryHarness(configuration)
        #expect(throws: ProtocolError.unrecognizedRequest) {
            try registry.read(.defaultOwnership(DefaultOwnershipRequest()))
        }
        let choice = SetDefaultOwnershipRequest(uid: 1, gid: 2, fileMode: 0o600, directoryMode: 0o700)
        #expect(try registry.refusal(.setDefaultOwnership(choice)) == .unrecognizedRequest)
        #expect(registry.entries.isEmpty)
        // What was chosen before counts again when the registry may say so.
        try registry.restart()
        #expect(try !read(registry).isSet)
        try registry.write(.setDefaultOwnership(choice))
        try registry.restart(configuration)
        #expect(try registry.refusal(.setDefaultOwnership(choice)) == .unrecognizedRequest)
        try registry.restart()
        #expect(try read(registry).uid == 1)
    }

    @Test func entriesOfOneThatMayAreCarriedOutByOneThatMayNot() throws {
        let registry = try RegistryHarness()
        let choice = SetDefaultOwnershipRequest(uid: 1, gid: 2, fileMode: 0o600, directoryMode: 0o700)
        try registry.write(.setDefaultOwnership(choice))
        var configuration = RegistryConfiguration()
        configuration.extensions = []
        let replica = try RegistryHarness(configuration)
        for entry in registry.entries { try replica.apply(entry) }
        try replica.restart()
        #expect(try read(replica) == (try read(registry)))
    }
}
