/// A service's request handling with its state, to be fed with scripts: a byte says what happens next, the bytes after
/// it with what. Everything a service does between its socket and its store happens, in one thread, without clock or
/// randomness of its own: the same bytes do the same again.
public enum StateTarget: String, CaseIterable, Sendable {
    case shard = "shard-state"
    case coordinator = "coordinator-state"
    case registry = "registry-state"
    case log = "log-recovery"

    /// What is wrong after this input, nil when all is well. Never traps, unless what is tested does.
    public func feed(_ input: UnsafeRawBufferPointer) -> String? {
        var script = FuzzScript(input)
        do {
            switch self {
            case .shard: try ShardFuzzer(&script).run(&script)
            case .coordinator: try CoordinatorFuzzer(&script).run(&script)
            case .registry: try RegistryFuzzer(&script).run(&script)
            case .log: try LogFuzzer().run(&script)
            }
            return nil
        } catch let finding as Finding {
            return finding.description
        } catch {
            return "stopped by \(error)"
        }
    }
}

/// Something that must not be.
struct Finding: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
