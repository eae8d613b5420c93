import TestSupport
import Testing

/// Runs the lines of one vector file and prints how many passed.
enum VectorFile {
    /// Fails unless `check` throws for none of the lines; lines marked internal are left out.
    static func run(_ name: String, _ check: (JSON) throws -> Void) throws {
        let lines = try ConformanceVectors.texts(name)
        var (passed, internals) = (0, 0)
        var failures: [String] = []
        for (index, text) in lines.enumerated() {
            let line = try JSON(line: text)
            if line.has("internal") {
                internals += 1
                continue
            }
            do {
                try check(line)
                passed += 1
            } catch {
                failures.append("\(name):\(index + 1): \(error)")
            }
        }
        let total = lines.count - internals
        let note = internals > 0 ? " (\(internals) internal to the reference left out)" : ""
        print("vectors \(name): \(passed)/\(total)\(note)")
        #expect(total > 0)
        #expect(passed == total, "\(failures.prefix(5).joined(separator: "\n"))")
    }
}
