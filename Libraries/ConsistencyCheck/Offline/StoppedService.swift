import Consensus
import Protocol
import ReplicatedLog
import Store

/// State and log of a stopped service, as they would be after its next start: the state store is opened for reading
/// only, and what the log adds stays in memory.
final class StoppedService {
    /// The state; changes stay in memory.
    private let store: OverlayStore
    private let log: SegmentedLogReader?
    private let name: String
    private let path: String
    private let report: CheckReport
    /// Whether everything the log has could be taken into account.
    private(set) var isComplete = true

    /// Nil, after a finding, when the state cannot be read at all.
    ///
    /// - Throws: when the service is running, or the system refuses something.
    init?(_ name: String, in directory: ClusterDirectory, _ report: CheckReport) throws(CheckFailure) {
        self.name = name
        self.report = report
        path = directory.data(of: name)
        var options = RocksOptions(writeAheadLog: false, memoryBudgetBytes: 32 << 20)
        options.isReadOnly = true
        do throws(StoreError) {
            store = OverlayStore(over: try RocksStore(directory: path + "/state", options: options))
        } catch .corruption(let text) {
            report.add(
                Finding(.l, place: "\(name), state store", detail: "cannot be read: \(text)"))
            return nil
        } catch {
            throw CheckFailure("cannot open \(path)/state: \(error)")
        }
        do throws(LogError) {
            log = try SegmentedLogReader(directory: path + "/log")
        } catch .missing {
            log = nil
        } catch .locked(let path) {
            throw ClusterDirectory.running(path)
        } catch .corruption(let text), .inDoubt(let text) {
            log = nil
            isComplete = false
            report.add(Finding(.l, place: "\(name), log", detail: text))
        } catch {
            throw CheckFailure("cannot read the log of \(name): \(error)")
        }
    }

    /// The state of one of its groups, as the last snapshot that was installed has left it.
    func state(_ prefix: [UInt8]) throws(CheckFailure) -> GroupStore {
        do throws(StoreError) {
            return try GroupStore(over: store, prefix: prefix)
        } catch {
            throw CheckFailure("cannot read \(path)/state: \(error)")
        }
    }

    /// Hands what the state does not contain yet to `apply`.
    ///
    /// - Parameter states: of all groups.
    func replay(
        into states: [LogGroupID: any ReplicatedState],
        _ apply: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void
    ) throws(CheckFailure) {
        guard let log else { return checkThatNothingIsMissing(states.mapValues(\.appliedIndex)) }
        do {
            _ = try log.replay(into: states, founders: { _ in Configuration() }, apply)
        } catch LogError.inputOutput(let text) {
            throw CheckFailure("cannot read the log of \(name): \(text)")
        } catch {
            isComplete = false
            report.add(Finding(.l, place: "\(name), log", detail: "\(error)"))
        }
    }

    private func checkThatNothingIsMissing(_ applied: [LogGroupID: LogIndex]) {
        let isFromSnapshot = ClusterDirectory.exists(path + "/from-snapshot")
        guard isComplete, !isFromSnapshot, applied.values.contains(where: { $0 > .zero }) else { return }
        isComplete = false
        report.add(Finding(.l, place: "\(name), log", detail: "there is none, but the state comes from one"))
    }
}
