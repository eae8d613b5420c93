import Foundation

/// A program that could not be run or did not do its work.
struct ProgramError: Error, CustomStringConvertible {
    let description: String
}

/// The measuring programs and ceilings, compiled by `ops/bench`, and Sterna's own.
struct Programs {
    /// Directory of the compiled C programs.
    let tools: String
    /// Directory of Sterna's programs.
    let sterna: String

    /// Runs a measuring program and returns the numbers of the JSON line it prints.
    func measure(_ name: String, _ arguments: [String], on cpus: String? = nil) throws -> [String: Double] {
        let output = try run("\(tools)/\(name)", arguments, on: cpus)
        let line = output.split(separator: "\n").last { $0.hasPrefix("{") } ?? ""
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return object?.compactMapValues { ($0 as? NSNumber)?.doubleValue } ?? [:]
    }

    /// Runs a program to its end and returns what it printed; its errors go to ours.
    @discardableResult
    func run(_ path: String, _ arguments: [String], on cpus: String? = nil) throws -> String {
        let process = Self.process(path, arguments, on: cpus)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ProgramError(
                description: "\(path) \(arguments.joined(separator: " ")) ended with \(process.terminationStatus)")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// A program to be started in the background, on certain processors when told.
    static func process(_ path: String, _ arguments: [String], on cpus: String? = nil) -> Process {
        let process = Process()
        if let cpus {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
            process.arguments = ["-c", cpus, path] + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = arguments
        }
        return process
    }
}

/// Waits for a condition, at most so long.
func wait(seconds: Double, for what: String, _ condition: () -> Bool) throws {
    let deadline = Date().addingTimeInterval(seconds)
    while !condition() {
        guard Date() < deadline else { throw ProgramError(description: "not within \(seconds) s: \(what)") }
        usleep(5000)
    }
}

/// Empties the kernel's caches of clean pages, so that what follows is read from disk. Needs root; says whether it
/// could.
@discardableResult
func dropCaches() -> Bool {
    sync()
    return (try? "3".write(toFile: "/proc/sys/vm/drop_caches", atomically: false, encoding: .ascii)) != nil
}
