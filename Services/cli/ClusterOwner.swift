import Client
import EventLoop
import Glibc
import Protocol

/// Whoever first runs `sterna up` on a cluster owns what nobody was given: so it says in the cluster, and so all mounts
/// show it.
struct ClusterOwner {
    private static let fileMode: UInt16 = 0o644
    private static let directoryMode: UInt16 = 0o755

    /// Tells the registry, unless it was told before; `completion` gets nil or what went wrong, on the loop.
    static func tell(
        _ registries: [SocketAddress], key: ClusterKey?, on loop: EventLoop,
        completion: @escaping @Sendable (String?) -> Void
    ) {
        loop.task {
            let connection = RegistryConnection(on: loop, addresses: registries, key: key)
            defer { connection.close() }
            do throws(RegistryCallError) {
                guard try await !connection.call(DefaultOwnershipRequest()).isSet else { return completion(nil) }
                let choice = SetDefaultOwnershipRequest(
                    uid: geteuid(), gid: getegid(), fileMode: fileMode, directoryMode: directoryMode)
                _ = try await connection.call(choice)
                completion(nil)
            } catch .refused(.unrecognizedRequest) {
                // A registry that is told to know the base protocol only.
                completion(nil)
            } catch {
                completion("\(ClientError(registry: error, "setting of the default owner"))")
            }
        }
    }
}
