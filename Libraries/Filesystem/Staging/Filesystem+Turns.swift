import Client
import Protocol

extension Filesystem {
    /// Runs a change of a file's bytes when those that arrived before it have ended, and before those that come later.
    /// - Throws: the step's error, or ETIMEDOUT if others take too long; then nothing was done.
    func inTurn<T>(
        _ node: Node, _ range: Range<UInt64>, isPage: Bool = false,
        _ step: nonisolated(nonsending) (ChangeLine.Turn) async throws(FilesystemError) -> T
    ) async throws(FilesystemError) -> T {
        let turn = node.line.enter(range, isPage: isPage)
        defer { if !node.line.isKept(turn) { leave(turn, of: node) } }
        try await comes(turn, of: node)
        return try await step(turn)
    }

    /// The same through a handle. A change that was given up before there was anything to put it in is missing there.
    func changing<T>(
        _ file: OpenFile, _ operation: StaticString, _ range: Range<UInt64>, isPage: Bool = false,
        _ step: nonisolated(nonsending) (ChangeLine.Turn) async throws(FilesystemError) -> T
    ) async throws(FilesystemError) -> T {
        guard file.writes else { throw .badDescriptor }
        if let failure = file.failure { throw failure }
        do throws(FilesystemError) {
            return try await inTurn(file.node, range, isPage: isPage) { turn throws(FilesystemError) in
                // What came before may have failed.
                if let failure = file.failure { throw failure }
                return try await step(turn)
            }
        } catch {
            throw lose(file, operation, error)
        }
    }

    func leave(_ turn: ChangeLine.Turn, of node: Node) {
        node.line.leave(turn)
        node.wake()
        nodes.dropIfUnused(node)
    }

    private func comes(_ turn: ChangeLine.Turn, of node: Node) async throws(FilesystemError) {
        guard !node.line.hasCome(turn) else { return }
        var isOver = false
        let deadline = patience.nanoseconds == 0 ? nil : loop.timer(afterNanoseconds: patience.nanoseconds) {
            isOver = true
            node.wake()
        }
        defer { deadline?.cancel() }
        while !node.line.hasCome(turn) {
            guard !isOver else { throw .timedOut }
            await node.change()
        }
    }
}
