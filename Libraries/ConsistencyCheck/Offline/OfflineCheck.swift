import CoordinatorCore
import Protocol
import RegistryCore
import ReplicatedLog
import ShardCore
import Store

/// Checks the data directory of a stopped cluster without changing a byte of it: every shard by itself, all of them
/// together with the coordinator, the registry, the logs and, if wanted, that every block is on its disk.
///
/// Memory: what the logs add to the states (about as much as they hold), the parts named at `ShardChecker` and
/// `NamespaceMerge`, and fixed caches. Disk: about 60 bytes for each inode, each name and each block in `facts`.
public struct OfflineCheck {
    private let directory: ClusterDirectory
    private let facts: TemporaryFacts
    private let checksBlocks: Bool
    private let report: CheckReport

    /// - Parameters:
    ///   - directory: what was given to `sterna up`.
    ///   - checksBlocks: also looks at the disks.
    /// - Throws: when the cluster is running, or the directory holds none.
    public init(
        directory: String, checksBlocks: Bool, facts: TemporaryFacts, report: CheckReport
    ) throws(CheckFailure) {
        self.directory = try ClusterDirectory(directory)
        self.checksBlocks = checksBlocks
        self.facts = facts
        self.report = report
    }

    public func run() throws(CheckFailure) {
        let table = FactTable(facts.store)
        let services = try checkRegistry()
        let coordinator = try checkCoordinator(table)
        let isWhole = try checkShards(services, table)
        guard isWhole, !coordinator.isDamaged else {
            return report.add(
                Finding(
                    rule: "X", severity: .notice, place: "all shards",
                    detail: "the rules between shards were left out, as not all logs could be replayed",
                    repair: "see the findings about logs"))
        }
        try compare(table, coordinator)
    }

    private func compare(_ table: FactTable, _ coordinator: CoordinatorState) throws(CheckFailure) {
        report.step("comparing the shards")
        let merge = NamespaceMerge(unfinished: coordinator.unfinished, checksParents: coordinator.isThere) {
            finding, _ in report.add(finding)
        }
        try merge.run(table)
        try BlockMerge { finding, _ in report.add(finding) }.run(table)
    }

    // MARK: Registry

    private func checkRegistry() throws(CheckFailure) -> [BlockServiceDeprecatedInfo] {
        report.step("registry")
        guard directory.holds("registry") else {
            reportMissing("registry", "failure domains (S18) are not known")
            return []
        }
        guard let service = try StoppedService("registry", in: directory, report) else { return [] }
        do {
            let core = try RegistryCore(
                store: try service.state([]), prefix: [], configuration: RegistryConfiguration())
            try service.replay(into: [LogGroupID(rawValue: 0): core]) { _, index, bytes in
                _ = try core.apply([UInt8](bytes), at: index)
            }
            core.checkInvariants { report.add(Finding(.r, place: "registry", detail: $0)) }
            return blockServices(core)
        } catch let failure as CheckFailure {
            throw failure
        } catch {
            report.add(Finding(.r, place: "registry", detail: "\(error)"))
            return []
        }
    }

    private func blockServices(_ core: RegistryCore) -> [BlockServiceDeprecatedInfo] {
        let request = AnyRegistryRequest.allBlockServicesDeprecated(AllBlockServicesDeprecatedRequest())
        guard case .allBlockServicesDeprecated(let answer)? = try? core.read(request, at: .zero) else { return [] }
        return answer.blockServices
    }

    private func reportMissing(_ service: String, _ consequence: String) {
        report.add(
            Finding(
                rule: "X", severity: .notice, place: directory.data(of: service),
                detail: "there is no state of the \(service); \(consequence)",
                repair: "none needed if it runs elsewhere"))
    }
}

// MARK: - Coordinator

extension OfflineCheck {
    private struct CoordinatorState {
        var unfinished = UnfinishedWork()
        var isThere = false
        var isDamaged = false
    }

    private func checkCoordinator(_ table: FactTable) throws(CheckFailure) -> CoordinatorState {
        report.step("coordinator")
        var state = CoordinatorState()
        guard directory.holds("cdc") else {
            reportMissing("cdc", "its parent map (X6) and its unfinished transactions are not known")
            return state
        }
        state.isDamaged = true
        guard let service = try StoppedService("cdc", in: directory, report) else { return state }
        do {
            let options = CoordinatorOptions(defaultInfo: DirectoryInfo(entries: []))
            let coordinator = try Coordinator(store: try service.state([]), prefix: [], options: options)
            try service.replay(into: [LogGroupID(rawValue: 0): coordinator]) { _, index, bytes in
                try coordinator.replay([UInt8](bytes), at: index)
            }
            try coordinator.forEachParent { table.insertParent($0, owner: $1) }
            for directory in coordinator.strayReservations() {
                report.add(Finding(.k, place: "directory \(directory)", detail: "its id is beyond the reservation"))
            }
            state.unfinished = coordinator.unfinishedWork()
        } catch let failure as CheckFailure {
            throw failure
        } catch {
            report.add(Finding(.k, place: "coordinator", detail: "\(error)"))
            return state
        }
        state.isThere = true
        state.isDamaged = !service.isComplete
        for transaction in state.unfinished.transactions {
            let finding = Finding(
                .k, place: "transaction \(transaction.id)", detail: "\(transaction.kind) was begun and not finished")
            report.add(finding.explained)
        }
        return state
    }
}

// MARK: - Shards

extension OfflineCheck {
    /// False when not everything that the log has could be taken into account.
    private func checkShards(
        _ services: [BlockServiceDeprecatedInfo], _ table: FactTable
    ) throws(CheckFailure) -> Bool {
        guard directory.holds("shard") else {
            throw CheckFailure("there is no state of any shard below \(directory.path)")
        }
        report.step("log of the shards")
        guard let service = try StoppedService("shard", in: directory, report) else { return false }
        try replayShards(service)
        var disks = checksBlocks ? StoredBlocks(directory.disks, services, report) : nil
        let domains = Dictionary(services.map { ($0.id, $0.failureDomain) }) { first, _ in first }
        for shard in ShardID.all {
            report.step("shard \(shard) of 256")
            let state = try service.state([shard.rawValue])
            do throws(ShardStateError) {
                _ = try ShardChecker.run(shard, in: state, failureDomain: { domains[$0] }) {
                    report.add(Finding($0))
                } fact: { fact in
                    table.insert(fact)
                    count(fact)
                    if case .block(let use) = fact { disks?.check(use) }
                }
            } catch {
                throw CheckFailure("cannot read the state of shard \(shard): \(error)")
            }
        }
        return service.isComplete
    }

    /// Brings the states up to the end of the log, in memory.
    private func replayShards(_ service: StoppedService) throws(CheckFailure) {
        let budget = ShardCacheBudget(limitBytes: 32 << 20)
        var cores: [LogGroupID: ShardCore] = [:]
        for shard in ShardID.all {
            let state = try service.state([shard.rawValue])
            do throws(ShardStateError) {
                cores[LogGroupID(rawValue: UInt32(shard.rawValue))] = try ShardCore(
                    store: state, shard: shard, cacheBudget: budget)
            } catch {
                report.add(
                    Finding(InvariantViolation.Rule.d, place: "shard \(shard)", detail: "does not start: \(error)"))
            }
        }
        try service.replay(into: cores) { group, index, bytes in
            _ = try cores[group]?.apply(encoded: bytes, at: index)
        }
    }

    private func count(_ fact: ShardFact) {
        report.count {
            switch fact {
            case .directory: $0.directories += 1
            case .file: $0.files += 1
            case .edge: $0.edges += 1
            case .block: $0.blocks += 1
            }
        }
    }
}
