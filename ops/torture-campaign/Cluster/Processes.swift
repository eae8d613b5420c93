import Foundation

/// Processes of this machine, from procfs.
enum Processes {
    /// Those that a process started and that are not reaped yet.
    static func children(of parent: pid_t) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { fields(of: $0)?.parent == parent }
    }

    /// Whether it runs no more, reaped or not.
    static func isGone(_ process: pid_t) -> Bool {
        guard let state = fields(of: process)?.state else { return true }
        return state == "Z" || state == "X"
    }

    private static func fields(of process: pid_t) -> (state: Substring, parent: pid_t)? {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 1, let parent = pid_t(fields[1]) else { return nil }
        return (fields[0], parent)
    }

    /// Kills processes and waits until they hold nothing any more.
    static func kill(_ processes: [pid_t]) throws {
        for process in processes { Glibc.kill(process, SIGKILL) }
        guard waitUntil(seconds: 30, { processes.allSatisfy(isGone) }) else {
            throw CampaignError(description: "processes \(processes.filter { !isGone($0) }) do not end")
        }
    }
}
