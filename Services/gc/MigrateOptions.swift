import ArgumentParser
import BlockRepair
import Protocol

/// How block services are evacuated.
struct MigrateOptions: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Move blocks off decommissioned block services.")
    var migrate = true

    @Flag(help: "Also move blocks off block services that take no new ones (NO_WRITE).")
    var migrateDraining = false

    @Option(help: "Also move blocks off this block service, by its number in hexadecimal; may be repeated.")
    var migrateService: [String] = []

    @Option(help: "Bytes per second that migration writes at most; 0 = no limit.")
    var migrateBytesPerSecond: UInt64 = 0

    @Option(help: "Files that migration works on at the same time.")
    var migrateFilesAtOnce = 16

    @Option(help: "Reads and writes of migration under way at one block service.")
    var migrateOperationsPerDisk = 4

    @Option(help: "MiB of memory for blocks that are being moved.")
    var migrateMemory = 192

    @Option(help: "Seconds between two looks for block services to be evacuated.")
    var migrateInterval: UInt32 = 60

    @Option(help: "Number of migrators that share the files among them.")
    var numMigrators: UInt64 = 1

    @Option(help: "Which of the migrators this one is, from 0.")
    var migratorIdx: UInt64 = 0

    func validate() throws {
        guard numMigrators > 0, migratorIdx < numMigrators else {
            throw ValidationError("--migrator-idx must be below --num-migrators")
        }
        guard (1...1024).contains(migrateFilesAtOnce) else {
            throw ValidationError("--migrate-files-at-once must be between 1 and 1024")
        }
        guard (1...64).contains(migrateOperationsPerDisk) else {
            throw ValidationError("--migrate-operations-per-disk must be between 1 and 64")
        }
        guard (1...65536).contains(migrateMemory) else {
            throw ValidationError("--migrate-memory must be between 1 and 65536")
        }
        guard migrateInterval > 0 else { throw ValidationError("--migrate-interval must be at least 1") }
        _ = try services()
    }

    var migration: MigrationOptions {
        get throws {
            var options = MigrationOptions()
            options.services = try services()
            options.takesDraining = migrateDraining
            options.migrators = numMigrators
            options.index = migratorIdx
            options.filesAtOnce = migrateFilesAtOnce
            options.pollNanoseconds = UInt64(migrateInterval) * 1_000_000_000
            return options
        }
    }

    var repair: RepairOptions {
        var options = RepairOptions()
        options.memoryBytes = migrateMemory << 20
        options.operationsPerService = migrateOperationsPerDisk
        options.bytesPerSecond = migrateBytesPerSecond
        return options
    }

    private func services() throws -> Set<BlockServiceID> {
        Set(
            try migrateService.map { text in
                let digits = text.hasPrefix("0x") ? String(text.dropFirst(2)) : text
                guard let number = UInt64(digits, radix: 16) else {
                    throw ValidationError("--migrate-service \(text) is not a number in hexadecimal")
                }
                return BlockServiceID(rawValue: number)
            })
    }
}
