import Directories
import Glibc
import Store
import Wire

/// What maintenance remembers between two runs: where every duty stands in every shard, when each disk was checked
/// last, and what was found there. Losing it costs progress and a rest after a set clock; nothing here says what exists
/// or may go.
///
/// Writes survive the end of the process, and a power failure may undo the last of them. Thread-safe.
public final class MaintenanceState: Sendable {
    /// What this version writes. It reads layout 1 as well, which knows no unanswered blocks.
    public static let layout: UInt32 = 2

    private static let layoutKey: [UInt8] = [0]
    /// With less room on the disk nothing is written. RocksDB must not run into the end of the disk: once its log could
    /// not be appended to, builds of it with assertions, as distributions have them, abort when there is room again.
    static let reservedBytes: UInt64 = 8 << 20

    let store: any OrderedStore
    private let freeBytes: @Sendable () -> UInt64?

    /// Opens or creates the state in `directory/state`; `directory` is made when it is missing.
    public convenience init(directory: String) throws(MaintenanceStateError) {
        do throws(DirectoryError) {
            try DurableDirectory.make(directory, mode: 0o755)
        } catch {
            throw .noDirectory(path: directory, reason: "\(error)")
        }
        // Small: a few thousand entries that are written again and again.
        var options = RocksOptions(writeAheadLog: true, memoryBudgetBytes: 4 << 20)
        options.openFiles = 64
        let store: RocksStore
        do throws(StoreError) {
            store = try RocksStore(directory: directory + "/state", options: options)
        } catch {
            throw .store(error)
        }
        try self.init(store: store) { Self.freeBytes(in: directory) }
    }

    /// State in any store, such as one in memory.
    /// - Parameter freeBytes: room on the disk under it; nil: not known.
    public init(
        store: any OrderedStore, freeBytes: @escaping @Sendable () -> UInt64? = { nil }
    ) throws(MaintenanceStateError) {
        self.store = store
        self.freeBytes = freeBytes
        if let bytes = try value(of: Self.layoutKey) {
            let layout = try StateReader.read(bytes, "layout") { (reader) throws(DecodeError) in
                try reader.integer(UInt32.self)
            }
            guard layout <= Self.layout else { throw .newerLayout(layout) }
            guard layout >= 1 else { throw .damaged("layout \(layout)") }
            if layout == Self.layout { return }
        }
        try checkWritable()
    }

    /// Throws when nothing can be written now, for example because the disk is full.
    public func checkWritable() throws(MaintenanceStateError) {
        var writer = StateWriter()
        writer.put(Self.layout)
        try put(Self.layoutKey, writer.bytes)
    }

    /// Brings everything to disk and lets go of the files; nothing may be called afterwards.
    public func close() throws(MaintenanceStateError) {
        try translating { () throws(StoreError) in try store.close() }
    }

    // MARK: For the kinds of entries

    func value(of key: [UInt8]) throws(MaintenanceStateError) -> [UInt8]? {
        try translating { () throws(StoreError) in try store.get(key) }
    }

    func put(_ key: [UInt8], _ value: [UInt8]) throws(MaintenanceStateError) {
        var batch = WriteBatch()
        batch.put(key, value)
        try write(batch)
    }

    func write(_ batch: WriteBatch) throws(MaintenanceStateError) {
        if let free = freeBytes(), free < Self.reservedBytes {
            throw .store(.noSpace("\(free >> 20) MiB are free, \(Self.reservedBytes >> 20) MiB are kept free"))
        }
        try translating { () throws(StoreError) in try store.write(batch, durable: false) }
    }

    /// All entries whose keys begin with `prefix`, in order. They are few.
    func entries(_ prefix: StateKey) throws(MaintenanceStateError) -> [(key: [UInt8], value: [UInt8])] {
        let iterator = store.iterator(from: prefix.bytes, upTo: prefix.end)
        var found: [(key: [UInt8], value: [UInt8])] = []
        iterator.seekToFirst()
        while iterator.isValid {
            found.append((iterator.key, iterator.value))
            iterator.next()
        }
        try translating { () throws(StoreError) in try iterator.checkStatus() }
        return found
    }

    /// What ordinary users may still write on the filesystem.
    private static func freeBytes(in directory: String) -> UInt64? {
        var info = statvfs()
        guard statvfs(directory, &info) == 0 else { return nil }
        return UInt64(info.f_bavail).multipliedReportingOverflow(by: UInt64(info.f_frsize)).partialValue
    }

    private func translating<Value>(
        _ body: () throws(StoreError) -> Value
    ) throws(MaintenanceStateError) -> Value {
        do throws(StoreError) { return try body() } catch { throw .store(error) }
    }
}
