import Store

/// Why the state of maintenance cannot be read or written. Every sentence says what to do.
public enum MaintenanceStateError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The directory cannot be made, durably.
    case noDirectory(path: String, reason: String)
    /// A later version of this program wrote it.
    case newerLayout(UInt32)
    /// An entry does not say what it should.
    case damaged(String)
    /// The database under it failed.
    case store(StoreError)

    public var description: String {
        switch self {
        case .noDirectory(let path, let reason):
            "\(path) cannot be used: \(reason)"
        case .newerLayout(let layout):
            "the maintenance state has layout \(layout), which a newer version wrote; this one knows up to "
                + "\(MaintenanceState.layout). Start the newer version, or remove the state: that costs progress only"
        case .damaged(let what):
            "the maintenance state is damaged (\(what)); remove it: that costs progress only"
        case .store(.corruption(let text)):
            "the maintenance state is damaged (\(text)); remove it: that costs progress only"
        case .store(let error):
            "the maintenance state: \(error)"
        }
    }
}
