import MaintenanceState
import Protocol

/// What operators read: every disk that was ever checked, then the last findings on each.
public enum FindingsTable {
    /// The whole text, with the time in words.
    public static func text(of state: MaintenanceState, at now: Timestamp) throws(MaintenanceStateError) -> String {
        let disks = try state.disks()
        var lines = ["Scrub findings at \(utc(now))", ""]
        lines += table([heading] + disks.map { row($0.id, $0.record, now) })
        var findings: [DamageFinding] = []
        for (id, record) in disks where record.damaged > 0 || record.unanswered > 0 || record.impossible > 0 {
            findings += try state.findings(on: id)
        }
        findings.sort { $0.time > $1.time }
        lines.append("")
        lines +=
            findings.isEmpty
            ? ["No damaged block was found."]
            : table([findingHeading] + findings.prefix(findingLimit).map(row))
        return lines.joined(separator: "\n") + "\n"
    }

    /// Newest first, so many of them.
    private static let findingLimit = 2000

    private static let heading = [
        "disk", "last-full-check", "pass", "blocks", "bytes", "missing", "truncated", "corrupt", "unreadable",
        "repaired", "unrepairable", "unanswered", "impossible", "device-errors", "unreachable", "path",
    ]

    private static func row(_ id: BlockServiceID, _ record: DiskRecord, _ now: Timestamp) -> [String] {
        let pass = record.passBegan == .zero ? "done" : "\(Int(record.shard.rawValue) * 100 / 256)%"
        let counts = [
            record.checkedBlocks, record.checkedBytes, record.missing, record.truncated, record.corrupt,
            record.unreadable, record.repaired, record.unrepairable, record.unanswered,
            record.impossible, record.deviceErrors, record.unreachable,
        ]
        return ["\(id)", utc(record.lastFullCheck), pass] + counts.map { "\($0)" }
            + [record.path.isEmpty ? "-" : record.path]
    }

    private static let findingHeading = [
        "disk", "time", "damage", "outcome", "file", "span-offset", "block", "detail",
    ]

    private static func row(_ finding: DamageFinding) -> [String] {
        [
            "\(finding.disk)", utc(finding.time), "\(finding.damage)", "\(finding.outcome)", "\(finding.file)",
            "\(finding.spanOffset)", "\(finding.block)", finding.detail.isEmpty ? "-" : finding.detail,
        ]
    }

    /// Columns as wide as they need to be; the last one as it is.
    private static func table(_ rows: [[String]]) -> [String] {
        let columns = rows.first?.count ?? 0
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).enumerated().map { index, cell in
                index == columns - 1 ? cell.0 : cell.0 + String(repeating: " ", count: cell.1 - cell.0.count)
            }.joined(separator: "  ")
        }
    }

    /// `2026-11-22T20:58:00Z`, or `never`.
    static func utc(_ time: Timestamp) -> String {
        guard time != .zero else { return "never" }
        let seconds = Int(time.nanoseconds / 1_000_000_000)
        let date = civil(days: seconds / 86_400)
        let clock = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map(twoDigits).joined(separator: ":")
        return "\(date.year)-\(twoDigits(date.month))-\(twoDigits(date.day))T\(clock)Z"
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// The date so many days after 1970-01-01, counted in eras of 400 years that begin in March.
    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let (era, dayOfEra) = (shifted / 146_097, shifted % 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
