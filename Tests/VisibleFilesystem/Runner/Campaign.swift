import Foundation
import ReferenceModel
import VisibleFilesystem

/// Scripts, one after the other, and what to do with those that fail.
final class Campaign {
    private let place: any Place
    private let capabilities: Capabilities
    private let spanBytes: Int
    private let steps: Int
    private let shrinkSeconds: Double
    private let label = UInt32.random(in: 0...UInt32.max)
    private var runs = 0
    private var counts: [String: Int] = [:]
    private var operations: Int { counts.values.reduce(0, +) }

    init(
        place: any Place, _ capabilities: Capabilities, spanBytes: Int, steps: Int, _ shrinkSeconds: Double
    ) {
        self.place = place
        self.capabilities = capabilities
        self.spanBytes = spanBytes
        self.steps = steps
        self.shrinkSeconds = shrinkSeconds
    }

    /// Random scripts. - Returns: whether there was no difference.
    func run(_ first: UInt64, operations limit: Int, differences: Int) throws -> Bool {
        var (seed, found, next) = (first, 0, 0)
        report("seeds from \(first)")
        while operations < limit, found < differences {
            var generator = ProgramGenerator(seed: seed, capabilities, spanBytes: spanBytes)
            let steps = generator.script(self.steps)
            guard !steps.isEmpty else { throw RunFailure("nothing can be done with these capabilities") }
            if try !run(steps, "seed \(seed)") { found += 1 }
            seed += 1
            if operations >= next {
                next = operations + 10_000
                say("\(operations) operations, \(found) differences")
            }
        }
        summarize(programs: Int(seed - first), found)
        return found == 0
    }

    /// Scripts that were written down. - Returns: whether there was no difference.
    func run(files: [String]) throws -> Bool {
        var found = 0
        for file in files {
            let script = try Script.steps(try String(contentsOfFile: file, encoding: .utf8))
            if try !run(script, file) { found += 1 }
        }
        summarize(programs: files.count, found)
        return found == 0
    }

    private func summarize(programs: Int, _ differences: Int) {
        report(counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        report("\(operations) operations of \(programs) programs, \(differences) differences")
    }

    /// One script. - Returns: whether there was no difference.
    private func run(_ script: [Step], _ origin: String) throws -> Bool {
        guard let difference = try firstDifference(script, isCounted: true) else { return true }
        say("\(origin): \(difference)\nmaking its \(script.count) steps fewer")
        let deadline = monotonicSeconds() + shrinkSeconds
        let fewest = try Shrinker.shrink(script, rewrites: Script.rewrites) { shorter in
            guard monotonicSeconds() < deadline else { return false }
            return try firstDifference(shorter) != nil
        }
        let now = try firstDifference(fewest) ?? "not seen again; at first: \(difference)"
        report("DIFFERENCE, \(origin), \(fewest.count) of \(script.count) steps\n\(now)\n\(Script.text(fewest))")
        return false
    }

    private func firstDifference(_ script: [Step], isCounted: Bool = false) throws -> String? {
        runs += 1
        let run = ScriptRun(capabilities, in: place, directory: "run-\(label)-\(runs)")
        defer { if isCounted { counts.merge(run.counts, uniquingKeysWith: +) } }
        return try run.firstDifference(script)
    }

    private func report(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    private func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
