import Glibc
import sterna_mount

/// A directory that looks like procfs with one process in it.
final class FakeProcesses {
    let root: String

    init() {
        var template = Array("/tmp/sterna-proc-XXXXXX".utf8CString)
        root = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    deinit {
        for group in ["41", "42", "43", "self"] {
            for file in ["status", "statm", "cmdline", "stat", "uid_map", "gid_map", "mountinfo"] {
                unlink("\(root)/\(group)/\(file)")
            }
            for number in 0..<20 {
                unlink("\(root)/\(group)/fd/\(number)")
                unlink("\(root)/\(group)/fdinfo/\(number)")
            }
            for folder in ["fd", "fdinfo", ""] { rmdir("\(root)/\(group)/\(folder)") }
        }
        rmdir(root)
    }

    var rule: CompletionRule { rule(nil) }

    /// - Parameter device: of our mount.
    func rule(_ device: String?) -> CompletionRule {
        CompletionRule(processes: ProcessTable(root: root), device: MountDevice(device))
    }

    /// What a process sees mounted.
    func add(mounts: String, of group: Int32) { write("\(group)/mountinfo", mounts) }

    /// A thread as procfs shows it. `commandLine` nil: it cannot be read.
    func add(
        thread: Int32, group: Int32, hasMemory: Bool = true, commandLine: String? = "cp\0a\0b\0", exitCode: Int32 = 0
    ) {
        mkdir("\(root)/\(thread)", 0o755)
        write("\(thread)/status", "Name:\tTgid: 9\nTgid:\t\(group)\nNgid:\t0\nPid:\t\(thread)\nThreads:\t1\n")
        write("\(thread)/statm", hasMemory ? "512 200 100 9 0 77 0\n" : "0 0 0 0 0 0 0\n")
        if let commandLine { write("\(thread)/cmdline", commandLine) }
        // Fields 3 to 52, the exit code being the last; the name holds what names may hold.
        var fields = [String](repeating: "0", count: 50)
        fields[0] = "S"
        fields[49] = "\(exitCode)"
        write("\(thread)/stat", "\(thread) (odd) name ( 1) " + fields.joined(separator: " ") + "\n")
    }

    /// A thread with these ids and capabilities, in a user namespace of which the kernel shows us these maps.
    func add(thread: Int32, users: String, effective: String, uidMap: String, gidMap: String) {
        mkdir("\(root)/\(thread)", 0o755)
        write("\(thread)/status", "Name:\tsh\nUid:\t\(users)\nGid:\t5\t5\t5\t5\nCapPrm:\t0\nCapEff:\t\(effective)\n")
        write("\(thread)/uid_map", uidMap)
        write("\(thread)/gid_map", gidMap)
    }

    /// The maps of our own user namespace.
    func addOwn(uidMap: String, gidMap: String) {
        mkdir("\(root)/self", 0o755)
        write("self/uid_map", uidMap)
        write("self/gid_map", gidMap)
    }

    /// A process without descriptors.
    func addDescriptorFolder(_ group: Int32) {
        mkdir("\(root)/\(group)/fd", 0o755)
        mkdir("\(root)/\(group)/fdinfo", 0o755)
    }

    func add(descriptor: Int, of group: Int32, target: String, inode: UInt64, flags: String = "0100001") {
        symlink(target, "\(root)/\(group)/fd/\(descriptor)")
        write("\(group)/fdinfo/\(descriptor)", "pos:\t0\nflags:\t\(flags)\nmnt_id:\t99\nino:\t\(inode)\n")
    }

    private func write(_ path: String, _ text: String) {
        let file = open("\(root)/\(path)", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        let bytes = Array(text.utf8)
        _ = Glibc.write(file, bytes, bytes.count)
        close(file)
    }
}
