import TestSupport
import Testing
import sterna_torture

/// What counts as a reason for a failed read.
@Suite struct ReadJudgeTests {
    private struct NoAnswer: Error {}

    private func judge(
        _ directory: TemporaryDirectory, _ spans: @escaping @Sendable (String) throws -> [SpanBlocks]
    ) -> ReadJudge {
        ReadJudge(
            ledger: Ledger(path: directory.path + "/ledger"), impairments: Impairments(),
            notesPath: directory.path + "/notes", patienceSeconds: 0, spans: spans)
    }

    @Test("shards that do not say where blocks are are no excuse") func unanswered() throws {
        let directory = try TemporaryDirectory("judge")
        let verdict = judge(directory) { _ in throw NoAnswer() }.judge("d0/f", since: 0)
        #expect(verdict == .guilty("where its blocks are cannot be found out: NoAnswer()"))
    }

    @Test("nothing damaged and nobody impaired is none either") func healthy() throws {
        let directory = try TemporaryDirectory("judge")
        #expect(judge(directory) { _ in [] }.judge("d0/f", since: 0) == .guilty("enough blocks are in reach"))
    }
}
