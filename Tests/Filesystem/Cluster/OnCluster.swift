import Testing

/// Tests of filesystems that share one cluster; each has a directory of its own in it.
@Suite(ClusterTrait(), .timeLimit(.minutes(2))) enum OnCluster {}

/// One cluster for all tests of a suite.
struct ClusterTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        let cluster = try RunningCluster()
        defer { cluster.stop() }
        try await RunningCluster.$current.withValue(cluster) { try await body() }
    }
}
