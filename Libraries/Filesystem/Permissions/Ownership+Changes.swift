import Client

extension Ownership {
    /// This, with what another one gives in place of it.
    func with(_ change: Ownership) -> Ownership {
        Ownership(mode: change.mode ?? mode, uid: change.uid ?? uid, gid: change.gid ?? gid)
    }
}
