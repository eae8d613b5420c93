import Client
import EventLoop

/// How long a program is kept waiting for something that goes on without it, such as the storing of its file while
/// servers are away.
struct Patience: Sendable {
    let loop: EventLoop
    /// 0: for ever.
    let nanoseconds: UInt64

    /// Whether somebody who has waited since then, on the loop's clock, is to be told that it takes too long.
    func isOver(since start: UInt64) -> Bool {
        nanoseconds > 0 && loop.monotonicNanoseconds &- start >= nanoseconds
    }

    /// What `task` ends with; nil when that takes too long. The task goes on. Call it on the loop.
    nonisolated(nonsending) func outcome<T: Sendable>(of task: Task<T, Never>) async -> T? {
        guard nanoseconds > 0 else { return await task.value }
        return await withUnsafeContinuation { continuation in
            var waiting: UnsafeContinuation<T?, Never>? = continuation
            let deadline = loop.timer(afterNanoseconds: nanoseconds) {
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
    /// - Parameter late: takes what the step ends with when nobody waits any more.
    /// - Throws: its error, or ETIMEDOUT; then it goes on all the same.
    @discardableResult
    nonisolated(nonsending) func run<T: Sendable>(
        _ step: @escaping @Sendable () async throws(ClientError) -> T, late: (@Sendable (T) async -> Void)? = nil
    ) async throws(FilesystemError) -> T {
        let task = loop.task { () async -> Result<T, FilesystemError> in
            do throws(ClientError) {
                return .success(try await step())
            } catch {
                return .failure(FilesystemError(error))
            }
        }
        guard let outcome = await outcome(of: task) else {
            if let late { loop.task { if case .success(let result) = await task.value { await late(result) } } }
            throw .timedOut
        }
        return try outcome.get()
    }
}
