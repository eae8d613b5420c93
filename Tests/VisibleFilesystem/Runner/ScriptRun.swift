import CLinux
import Foundation
import VisibleFilesystem

/// A script on the model and in a place, step by step, in a new directory.
final class ScriptRun {
    private let place: any Place
    private let directory: String
    private var model: FilesystemModel
    private var workers: [Int: WorkerProcess] = [:]
    /// By the mount that shows them: a file that is changed behind what is stored already, before it is published for
    /// the first time, gets another number, which the mount that made it hides as long as the kernel knows the first.
    private var numbers: [Int: [FileID: UInt64]] = [:]
    /// Files that were met before they were published. When nobody looks the kernel may forget their first number.
    private var metEarly: Set<FileID> = []
    /// How often each kind of call was carried out, with its error if it had one; those of the end included.
    private(set) var counts: [String: Int] = [:]

    init(_ capabilities: Capabilities, in place: any Place, directory: String) {
        model = FilesystemModel(capabilities)
        self.place = place
        self.directory = directory
    }

    /// Where model and place part; nil when they do not.
    func firstDifference(_ script: [Step]) throws -> String? {
        let root = place.path(mount: 0) + "/" + directory
        // New ones: no mount believes anything about them.
        for (name, mode) in FilesystemModel.firstModes.sorted(by: { $0.key < $1.key }) {
            let path = name == "." ? root : root + "/" + name
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            guard chmod(path, mode_t(mode)) == 0 else { throw RunFailure.call("open \(path) to everybody") }
        }
        let found = try differenceWithin(script)
        let areGone = workers.values.map { $0.kill() }.allSatisfy { $0 }
        workers = [:]
        if !areGone { try place.recover() } else { try place.settle() }
        try place.discard(directory)
        return found
    }

    private func differenceWithin(_ script: [Step]) throws -> String? {
        for (index, step) in script.enumerated() {
            if let difference = try carryOut(step) { return "step \(index + 1), \(step.text): \(difference)" }
        }
        for step in model.epilogue() {
            if let difference = try carryOut(step) { return "in the end, \(step.text): \(difference)" }
        }
        return nil
    }

    private func carryOut(_ step: Step) throws -> String? {
        guard let expectation = model.perform(step) else { return nil }
        counts[step.call.kind + expectation.error, default: 0] += 1
        switch step.call {
        case .handOver:
            place.handOver()
            for mount in numbers.keys { numbers[mount] = numbers[mount]?.filter { !metEarly.contains($0.key) } }
        case .kill:
            guard workers.removeValue(forKey: step.process)?.kill() != false else { return "the process does not die" }
            try place.settle()
        case .crash:
            let mount = model.mount(of: step.process)
            let victims = workers.filter { model.mount(of: $0.key) == mount }
            try place.crash(mount: mount)
            numbers[mount] = nil
            for (process, worker) in victims {
                workers[process] = nil
                guard worker.kill() else { return "a process does not die with its mount" }
            }
        default:
            switch try worker(step.process).perform(step) {
            case .failure(let failure): return "\(failure)"
            case .success(let reply):
                let mount = model.mount(of: step.process)
                if let difference = difference(expectation, reply, on: mount) { return difference }
            }
            if step.call.releases { try place.settle() }
        }
        guard case .names(let names) = expectation else { return nil }
        return try observe(names, step.process)
    }

    private func worker(_ process: Int) throws -> WorkerProcess {
        if let known = workers[process] { return known }
        let started = try WorkerProcess(root: place.path(mount: model.mount(of: process)) + "/" + directory)
        workers[process] = started
        return started
    }

    private func difference(_ expectation: ExpectedReply, _ reply: Reply, on mount: Int) -> String? {
        if let difference = expectation.difference(reply) { return difference }
        guard case .attributes(_, let file, _) = expectation, case .attributes(_, let number, _) = reply,
            model.capabilities.contains(.stableNumbers)
        else { return nil }
        if let known = numbers[mount]?[file], known != number {
            return "the file's number is \(number), and was \(known)"
        }
        numbers[mount, default: [:]][file] = number
        if !model.isPublished(file) { metEarly.insert(file) }
        return nil
    }

    /// Looks what violence has left.
    private func observe(_ names: [NameExpectation], _ process: Int) throws -> String? {
        // Where either is right, what is there has to stay: a mapping lives on while somebody looks at its process in
        // procfs, and what ends with it comes only then.
        if names.contains(where: { $0.alternatives.count > 1 }) {
            usleep(300_000)
            try place.settle()
        }
        let worker = try worker(process)
        for expected in names {
            let found: Observation?
            do {
                found = try Observation.find(
                    expected.name, withExtended: model.capabilities.contains(.permissions)
                ) { try worker.perform(Step(process, $0)).get() }
            } catch let failure as WorkerFailure {
                return "then \(expected.name) \(failure)"
            } catch let unexpected as Observation.Unexpected {
                return "then \(expected.name) \(unexpected.description)"
            }
            func difference(_ right: Appearance?) -> String? {
                guard let found else { return right.map { "nothing instead of \($0.content.count) bytes" } }
                return found.difference(right)
            }
            guard let right = expected.alternatives.first(where: { difference($0) == nil }) else {
                let differences = expected.alternatives.map { difference($0) ?? "" }
                return "then \(expected.name) is wrong: " + differences.joined(separator: "; or: ")
            }
            model.adopt(expected.name, right)
        }
        return nil
    }
}

extension Call {
    /// Whether the kernel may have something left to do when it returns.
    fileprivate var releases: Bool {
        switch self {
        case .close, .unmap, .readAll: true
        default: false
        }
    }
}

extension ExpectedReply {
    /// The errno that is right, if one is.
    fileprivate var error: String {
        guard case .reply(.failed(let code)) = self else { return "" }
        return " " + (linux_errno_name(code).map { String(cString: $0) } ?? "\(code)")
    }
}

extension Step {
    var text: String { Script.text([self]) }
}
