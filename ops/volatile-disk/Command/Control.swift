import VolatileDisk

/// Commands to a disk, as they are written to its file `.control`.
struct Control {
    private(set) var report = ""

    /// Carries out one line.
    mutating func run(_ line: String, _ disk: VolatileDisk) throws(DiskError) {
        let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count == 2 || words.count == 3 else { throw DiskError(22) }
        let path = words[1]
        let option = words.count == 3 ? words[2] : nil
        switch words[0] {
        case "cut": try cut(path, option, disk)
        case "sync" where option == nil: try disk.syncAll(below: try disk.node(at: path))
        case "rot" where option == nil: try disk.rot(try disk.node(at: path))
        case "heal" where option == nil: disk.heal(path)
        default:
            guard let kind = Fault.Kind(rawValue: words[0]) else { throw DiskError(22) }
            let times = try option.map { text throws(DiskError) in
                guard let times = Int(text), times > 0 else { throw DiskError(22) }
                return times
            }
            disk.plant(Fault(kind, below: path, times: times))
        }
        if words[0] != "cut" { report = "\(line)\n" }
    }

    private mutating func cut(_ path: String, _ option: String?, _ disk: VolatileDisk) throws(DiskError) {
        guard option == nil || option == "none" else { throw DiskError(22) }
        let survival = option == "none" ? .none : disk.anySurvival()
        let losses = try disk.cutPower(below: try disk.node(at: path), survival)
        report = """
            cut \(disk.cuts) of \(path): \(losses.names) names, \(losses.pages) pages in \(losses.files) files lost, \
            of what was not synced \(Int(survival.probability * 100)) % kept

            """
    }
}
