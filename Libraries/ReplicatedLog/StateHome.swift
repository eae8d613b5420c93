import Protocol
import Store

/// Where a group's state lies, and how a state machine is opened on it: for replicas that hand their state on, or get
/// another's.
public struct StateHome {
    public let store: GroupStore
    /// Opens a state machine on what is in the store.
    public let open: () throws -> any ReplicatedState

    public init(_ store: GroupStore, open: @escaping () throws -> any ReplicatedState) {
        self.store = store
        self.open = open
    }
}
