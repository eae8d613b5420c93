import Foundation

/// Collects figures, shows each as it is measured, and writes them all as JSON at the end.
final class Report {
    private(set) var figures: [Figure] = []
    /// What the run was made on: machine, kernel, filesystem.
    var circumstances: [String: String] = [:]

    func header() {
        for (name, value) in circumstances.sorted(by: { $0.key < $1.key }) { print("\(name): \(value)") }
        print(Self.line("what", "measured", "ceiling", "ratio", "wanted", "", "ceiling is"))
    }

    func add(_ figure: Figure) {
        figures.append(figure)
        let verdict = figure.reached.map { $0 ? "ok" : "MISSED" } ?? ""
        let wanted = figure.wanted.map { (figure.smallerIsBetter ? "<= " : ">= ") + Self.number($0) } ?? ""
        print(
            Self.line(
                figure.name, "\(Self.number(figure.value)) \(figure.unit)", figure.ceiling.map(Self.number) ?? "-",
                figure.ratio.map { String(format: "%.2f", $0) } ?? "-", wanted, verdict, figure.ceilingName ?? ""))
        fflush(nil)
    }

    /// Rows of numbers that belong side by side; each is a figure called "ROW, COLUMN" in the JSON.
    func table(_ title: String, columns: [String], rows: [(name: String, values: [Double])]) {
        let width = columns.map(\.count).max() ?? 0
        let left = ([title] + rows.map(\.name)).map(\.count).max() ?? 0
        let line = { (name: String, cells: [String]) in
            name + String(repeating: " ", count: left - name.count)
                + cells.map { String(repeating: " ", count: 2 + width - $0.count) + $0 }.joined()
        }
        print(line(title, columns))
        for row in rows {
            print(line(row.name, row.values.map(Self.number)))
            for (column, value) in zip(columns, row.values) {
                figures.append(Figure("\(title): \(row.name), \(column)", "", value))
            }
        }
        fflush(nil)
    }

    func note(_ text: String) { print("# \(text)") }

    func writeJSON(to path: String) throws {
        let rows: [[String: Any]] = figures.map { figure in
            var row: [String: Any] = ["name": figure.name, "unit": figure.unit, "value": figure.value]
            row["ceiling"] = figure.ceiling
            row["ceilingName"] = figure.ceilingName
            row["ratio"] = figure.ratio
            row["wanted"] = figure.wanted
            row["reached"] = figure.reached
            return row
        }
        let data = try JSONSerialization.data(
            withJSONObject: ["circumstances": circumstances, "figures": rows], options: [.prettyPrinted, .sortedKeys])
        try data.write(to: URL(fileURLWithPath: path))
    }

    private static func number(_ value: Double) -> String {
        value >= 100 ? String(format: "%.0f", value) : String(format: value >= 10 ? "%.1f" : "%.2f", value)
    }

    private static func line(_ columns: String...) -> String {
        let widths = [46, 16, 10, 7, 8, 7, 0]
        return zip(columns, widths).enumerated().map { index, pair in
            let padding = String(repeating: " ", count: max(0, pair.1 - pair.0.count))
            return index == 0 || index == 6 ? pair.0 + padding : padding + pair.0
        }.joined(separator: "  ")
    }
}
