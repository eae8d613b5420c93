import Protocol
import RegistryCore

/// What inodes are shown with that have no owner of their own: as the registry applied it, and as clients chose and saw
/// it. Each change happens at one known moment, for a request that wanted it.
final class DefaultOwnershipWatch {
    private let world: World
    /// Until somebody chooses it is the superuser's.
    private var changes: [(time: UInt64, value: DefaultOwnershipResponse)] = [
        (0, DefaultOwnershipResponse(isSet: false, uid: 0, gid: 0, fileMode: 0o644, directoryMode: 0o755))
    ]
    private var applied = LogIndex.zero

    init(_ world: World) { self.world = world }

    /// An entry was applied, now or once more after a crash.
    func applied(_ bytes: [UInt8], at index: LogIndex, _ core: RegistryCore) {
        guard index > applied else { return }
        applied = index
        guard let value = read(core), value != changes.last?.value else { return }
        changes.append((world.now, value))
        if value != wanted(by: bytes, at: index) {
            world.find("the default ownership became \(value), and nobody wanted that now")
        }
    }

    private func wanted(by bytes: [UInt8], at index: LogIndex) -> DefaultOwnershipResponse? {
        guard let entry = try? RegistryEntry(decoding: bytes, at: index),
            case .request(.setDefaultOwnership(let choice)) = entry.command
        else { return nil }
        return DefaultOwnershipResponse(
            isSet: true, uid: choice.uid, gid: choice.gid, fileMode: choice.fileMode,
            directoryMode: choice.directoryMode)
    }

    /// The registry has read its state and its log again.
    func restarted(_ core: RegistryCore) {
        guard core.appliedIndex >= applied else {
            return world.find("the registry had applied \(applied) and came back with \(core.appliedIndex)")
        }
        guard let last = changes.last?.value, let value = read(core), value != last else { return }
        world.find("the registry came back with the default ownership \(value) instead of \(last)")
    }

    /// A client was told of it.
    func observed(_ value: DefaultOwnershipResponse, from invoked: UInt64, to returned: UInt64) {
        let wasTrue = changes.last { $0.time <= invoked }?.value == value
            || changes.contains { $0.time > invoked && $0.time <= returned && $0.value == value }
        if !wasTrue { world.find("a client was told of the default ownership \(value), which it never was then") }
    }

    private func read(_ core: RegistryCore) -> DefaultOwnershipResponse? {
        let request = AnyRegistryRequest.defaultOwnership(DefaultOwnershipRequest())
        guard case .defaultOwnership(let value)? = try? core.read(request, at: .zero) else { return nil }
        return value
    }
}
