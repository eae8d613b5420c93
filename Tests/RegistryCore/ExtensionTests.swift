import Protocol
import RegistryCore
import Testing

/// What the registry tells about the cluster's abilities (architecture: growing beyond the protocol).
@Suite struct ExtensionTests {
    @Test func everythingOfThisVersionIsTold() throws {
        let registry = try RegistryHarness()
        let response = try registry.read(.extensions(ExtensionsRequest()))
        #expect(response == .extensions(ExtensionsResponse(extensions: ProtocolExtension.all)))
        #expect(Set(ProtocolExtension.all).count == ProtocolExtension.all.count)
        #expect(try registry.refusal(.extensions(ExtensionsRequest())) == .unrecognizedRequest, "it is no write")
    }

    @Test func inFrontOfOtherServersNothingIs() throws {
        var configuration = RegistryConfiguration()
        configuration.extensions = []
        let registry = try RegistryHarness(configuration)
        let response = try registry.read(.extensions(ExtensionsRequest()))
        #expect(response == .extensions(ExtensionsResponse(extensions: [])))
        #expect(throws: ProtocolError.unrecognizedRequest) { try registry.read(.clock(ClockRequest())) }
    }

    @Test func theClockIsTold() throws {
        let registry = try RegistryHarness()
        #expect(try registry.read(.clock(ClockRequest())) == .clock(ClockResponse(time: registry.now)))
    }
}
