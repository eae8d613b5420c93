import StateFuzzing
import TestSupport
import Testing

/// The same random scripts in every run, through every service's state. What libFuzzer found worth keeping is in
/// `CorpusTests`.
@Suite(.timeLimit(.minutes(3)))
struct StateTests {
    private static let rounds: [StateTarget: Int] = [.shard: 400, .coordinator: 150, .registry: 150, .log: 150]

    @Test(arguments: StateTarget.allCases)
    func randomScripts(_ target: StateTarget) {
        var random = SeededGenerator(seed: 5)
        for round in 0..<(Self.rounds[target] ?? 100) {
            var bytes = random.bytes(Int.random(in: 1...600, using: &random))
            // Mostly small numbers say more than noise does: they are instructions.
            if round % 2 == 0 { bytes = bytes.map { $0 < 200 ? $0 & 0x3F : $0 } }
            let problem = bytes.withUnsafeBytes(target.feed)
            #expect(problem == nil, "\(target.rawValue) \(bytes)")
        }
    }

    /// A script means the same every time, or a finding could not be looked at again.
    @Test(arguments: StateTarget.allCases)
    func emptyScript(_ target: StateTarget) {
        #expect([UInt8]().withUnsafeBytes(target.feed) == nil)
    }
}
