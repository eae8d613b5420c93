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

    /// Scrubbing reports nothing that was not done to a disk, and nothing that it could not repair.
    func scrubFindings(path: String) {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            return findings.add("there is no table of scrub findings at \(path)")
        }
        let lost = Set(lostServices.map { "\($0)" })
        // disk time damage outcome file span-offset block detail
        let rows = text.split(separator: "\n").drop { !$0.hasPrefix("disk") || !$0.contains("span-offset") }.dropFirst()
        for row in rows.map({ $0.split(separator: " ").map(String.init) }) where row.count >= 7 {
            counters.add("scrub findings")
            guard let number = UInt64(row[6].drop { $0 == "0" || $0 == "x" }, radix: 16) else {
                findings.add("a scrub finding cannot be understood: \(row)")
                continue
            }
            if ledger[BlockID(rawValue: number)] == nil, !lost.contains(row[0]) {
                findings.add("scrub reports what nobody did: \(row)")
            }
            if row[3].hasPrefix("unrepairable") { findings.add("scrub could not repair: \(row)") }
        }
    }
}
