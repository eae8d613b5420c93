import Client

/// Something that a user has a client do, and the requests that the client makes of it.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class Operation: @unchecked Sendable {
    /// The one that the present task works for.
    @TaskLocal static var current: Operation?

    let name: String
    /// When it began, virtual nanoseconds.
    let begun: UInt64
    /// What its requests are to do to names.
    var intents: [Intent] = []

    init(_ name: String, at now: UInt64) {
        self.name = name
        begun = now
    }

    /// Those of requests that take a name away.
    func removals(at place: Place) -> [Intent] {
        intents.filter {
            if case .remove = $0.change { $0.place == place } else { false }
        }
    }

    /// Those of requests that give something a name.
    func namings(of place: Place) -> [Intent] {
        intents.filter {
            if case .remove = $0.change { false } else { $0.place == place }
        }
    }
}
