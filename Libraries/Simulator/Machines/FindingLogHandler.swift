import Logging

/// The log of a simulated service: an error in it is a finding.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
struct FindingLogHandler: LogHandler, @unchecked Sendable {
    let machine: MachineID
    let world: World
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel = Logger.Level.info

    init(machine: MachineID, world: World) {
        self.machine = machine
        self.world = world
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if event.level >= .error {
            world.find("\(machine) logs: \(event.message)")
        } else {
            world.note("\(machine): \(event.message)")
        }
    }
}
