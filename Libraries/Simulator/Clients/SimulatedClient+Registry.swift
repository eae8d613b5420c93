import Client
import Protocol

/// What inodes are shown with that have no owner of their own.
extension SimulatedClient {
    func readDefaultOwnership() async throws(ClientError) {
        let invoked = world.now
        let found = try await registry(DefaultOwnershipRequest())
        cluster.defaultOwnership.observed(found, from: invoked, to: world.now)
    }

    /// What was told to be done was so at some moment.
    func chooseDefaultOwnership() async throws(ClientError) {
        let invoked = world.now
        let choice = SetDefaultOwnershipRequest(
            uid: world.random.pick([0, 1, 1000]), gid: world.random.pick([0, 100]),
            fileMode: world.random.pick([0o600, 0o644]), directoryMode: world.random.pick([0o700, 0o755, 0o2775]))
        _ = try await registry(choice)
        let expected = DefaultOwnershipResponse(
            isSet: true, uid: choice.uid, gid: choice.gid, fileMode: choice.fileMode,
            directoryMode: choice.directoryMode)
        cluster.defaultOwnership.observed(expected, from: invoked, to: world.now)
    }
}
