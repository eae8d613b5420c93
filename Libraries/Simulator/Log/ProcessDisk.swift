import Replicas
import ReplicatedLog
import Store

/// The disk of a machine, as a process on it sees it from its start to its end.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class ProcessDisk: ReplicaDisk, @unchecked Sendable {
    private unowned let machine: Machine
    private let options: LogOptions
    /// What stands between the process and its log.
    private(set) var log: LogStoreWatch?

    init(_ machine: Machine, _ options: LogOptions) {
        self.machine = machine
        self.options = options
    }

    var state: any OrderedStore { machine.disk.state }

    /// As services do it asks for room first.
    func openLog(mustExist: Bool) throws -> any LogStore {
        guard !machine.disk.isFull else { throw LogError.noSpace("there is no room to start") }
        let store = try SegmentedLogStore(disk: machine.disk.directory, options: options.store, mustExist: mustExist)
        for notice in store.notices { machine.world.note("\(machine.id): \(notice)") }
        let watch = LogStoreWatch(
            store, of: machine.id, largestWriteBytes: options.writeBytes, machine.world)
        log = watch
        return watch
    }

    func makeWriter() -> any WriterThread { SimulatedWriter(machine.world, machine.disk) }

    func opened() {}

    func flush() throws -> Bool {
        guard !machine.disk.isFull else { return false }
        try machine.disk.state.flush()
        return true
    }

    func close() throws -> Bool { try flush() }
}
