import Foundation
import Protocol

/// What must hold of the cluster's own repairs.
extension FinalChecks {
    /// No file has a damaged block, or one on a lost disk, any more.
    func healing(withinSeconds seconds: Double) {
        let began = monotonicSeconds()
        do {
            var left = try damagedBlocks()
            counters.add("damaged blocks to be repaired at the end", left)
            while left > 0, monotonicSeconds() - began < seconds {
                sleep(5)
                left = try damagedBlocks()
            }
            if left > 0 { findings.add("\(left) blocks are still damaged after \(Int(seconds)) s without faults") }
            say("all blocks sound after \(Int(monotonicSeconds() - began)) s")
        } catch {
            findings.add("it could not be found out whether all blocks were repaired: \(error)")
        }
    }

    private func damagedBlocks() throws -> Int {
        var count = 0
        for file in files {
            for span in try view.spans(ofPath: file.path) {
                count += span.blocks.count { ledger.isDamaged($0.block) || lostServices.contains($0.service) }
            }
        }
        return count
    }

    /// Scrubbing reports what was done to disks: nothing else, and everything that was left for it to find.
    /// - Parameters:
    ///   - log: of the collector, which names every finding; the table for operators only has the latest.
    ///   - unread: blocks that were bad when only scrubbing was left to find them.
    func scrubReports(log: String, unread: Set<BlockID>) {
        guard let text = try? String(contentsOfFile: log, encoding: .utf8) else {
            return findings.add("there is no \(log)")
        }
        var missing = unread
        for line in text.split(separator: "\n") {
            guard let report = ScrubReport(line) else { continue }
            counters.add("scrub findings")
            missing.remove(report.block)
            // Of a file that is being destroyed blocks are missing before its spans are.
            let isOfDeletedFile = line.hasSuffix(": the file is gone")
            if ledger[report.block] == nil, !isOfDeletedFile,
                !lostServices.contains(where: { "\($0)" == report.disk })
            {
                findings.add("scrub reports what nobody did: \(line)")
            }
        }
        counters.add("scrub findings at the end", unread.count - missing.count)
        for block in missing.prefix(20) { findings.add("scrub never reported block \(block), which was damaged") }
    }

    /// Services that ended although nobody killed them.
    func deaths(log: String) {
        guard let text = try? String(contentsOfFile: log, encoding: .utf8) else {
            return findings.add("there is no \(log)")
        }
        var killed: [String: Int] = [:]
        for line in text.split(separator: "\n") where line.hasSuffix("; starting it again") {
            let role = line.dropFirst("sterna: sterna-".count).prefix { $0.isLetter }
            if line.contains("was killed by signal 9;") {
                killed[String(role), default: 0] += 1
            } else if counters["syncs failed: \(role)"] > 0 {
                // What a log does that cannot be synced.
                counters.add("services that ended after a failed sync")
            } else {
                findings.add("a service died by itself: \(line)")
            }
        }
        for (role, count) in killed where count > counters["processes killed: \(role)"] {
            findings.add("\(role) was killed \(count) times, more than the campaign did")
        }
    }
}

/// A line of a log in which scrubbing reports a damaged block:
/// `… scrub: block B of file F, span at O, on disk D is corrupt…`.
private struct ScrubReport {
    let block: BlockID
    let disk: String

    /// nil when it says something else, such as that nobody answers for a block, which is no damage.
    init?(_ line: Substring) {
        guard let start = line.range(of: " scrub: block ")?.upperBound, line.contains(", span at ") else { return nil }
        let words = line[start...].split(separator: " ")
        guard let block = words.first, let number = UInt64(block.drop { $0 == "0" || $0 == "x" }, radix: 16),
            let disk = words.firstIndex(of: "disk"), disk + 1 < words.count
        else { return nil }
        self.block = BlockID(rawValue: number)
        self.disk = String(words[disk + 1])
    }
}
