import Replicas
import ReplicatedLog
import Store
import TestLog

/// State and log in memory, which do what a test wants.
///
/// `@unchecked Sendable`: used on the test's thread only.
final class HandDrivenDisk: ReplicaDisk, @unchecked Sendable {
    let memory = MemoryStore(writeAheadLog: false)
    let log = MemoryLogStore()
    let writer = HandDrivenWriter()
    var hasRoom = true
    /// Thrown by every flush while set.
    var failure: StoreError?
    private(set) var flushes = 0
    private(set) var mustExist: Bool?

    var state: any OrderedStore { memory }

    func openLog(mustExist: Bool) -> any LogStore {
        self.mustExist = mustExist
        return log
    }

    func makeWriter() -> any WriterThread { writer }

    func opened() {}

    func flush() throws -> Bool {
        flushes += 1
        if let failure { throw failure }
        guard hasRoom else { return false }
        try memory.flush()
        return true
    }

    func close() throws -> Bool { try flush() }
}
