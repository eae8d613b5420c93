import Client
import EventLoop
import Mutations

/// How long a program is kept waiting for something that goes on without it, such as the storing of its file while
/// servers are away.
struct Patience: Sendable {
    let loop: any Loop
    /// 0: for ever.
    let nanoseconds: UInt64

    /// Between two attempts to get what servers that are away have.
    private static let outagePauseNanoseconds: UInt64 = 1_000_000_000

    /// Whether somebody who has waited since then, on the loop's clock, is to be told that it takes too long.
    func isOver(since start: UInt64) -> Bool {
        guard nanoseconds > 0 || Mutation.foreverIsNoTime.isPlanted else { return false }
        return loop.monotonicNanoseconds &- start >= nanoseconds
    }

    /// Whether what failed is to be tried again, after a pause: servers were away, and who has waited since then is not
    /// to be told yet.
    nonisolated(nonsending) func outlasts(_ error: FilesystemError, since start: UInt64) async -> Bool {
        guard error.isOutage, !isOver(since: start) else { return false }
        await loop.sleep(nanoseconds: Self.outagePauseNanoseconds)
        return true
    }

    /// Repeats a step that reads what is stored while servers are away. What is lost for good fails at once.
    nonisolated(nonsending) func outlastingOutages<T: Sendable>(
        _ step: @escaping @Sendable () async throws(ClientError) -> T
    ) async throws(FilesystemError) -> T {
        let start = loop.monotonicNanoseconds
        while true {
            do {
                // One attempt may take longer than anybody waits: who is away need not say so.
                return try await run(since: start, step)
            } catch {
                guard await outlasts(error, since: start) else { throw error }
            }
        }
    }

    /// What `task` ends with; nil when that takes too long. The task goes on. Call it on the loop.
    /// - Parameter start: since when somebody waits, if not since now.
    nonisolated(nonsending) func outcome<T: Sendable>(of task: Task<T, Never>, since start: UInt64? = nil) async -> T? {
        guard nanoseconds > 0 else { return await task.value }
        let waited = start.map { loop.monotonicNanoseconds &- $0 } ?? 0
        return await withUnsafeContinuation { continuation in
            var waiting: UnsafeContinuation<T?, Never>? = continuation
            let deadline = loop.timer(afterNanoseconds: nanoseconds - min(waited, nanoseconds)) {
                waiting?.resume(returning: nil)
                waiting = nil
            }
            loop.task({ () async throws -> T in await task.value }) { result in
                deadline.cancel()
                waiting?.resume(returning: try? result.get())
                waiting = nil
            }
        }
    }

    /// Runs a step of the client that may have to wait.
    /// - Parameters:
    ///   - start: since when somebody waits, if not since now.
    ///   - late: takes what the step ends with when nobody waits any more.
    /// - Throws: its error, or ETIMEDOUT; then it goes on all the same.
    @discardableResult
    nonisolated(nonsending) func run<T: Sendable>(
        since start: UInt64? = nil, _ step: @escaping @Sendable () async throws(ClientError) -> T,
        late: (@Sendable (T) async -> Void)? = nil
    ) async throws(FilesystemError) -> T {
        let task = loop.task { () async -> Result<T, FilesystemError> in
            do throws(ClientError) {
                return .success(try await step())
            } catch {
                return .failure(FilesystemError(error))
            }
        }
        guard let outcome = await outcome(of: task, since: start) else {
            if let late { loop.task { if case .success(let result) = await task.value { await late(result) } } }
            throw .timedOut
        }
        return try outcome.get()
    }
}
