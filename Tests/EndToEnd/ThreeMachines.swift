import Foundation
import Testing

/// A cluster on three machines, each with a replica of all metadata, and a fourth with the disks and a mount: as many
/// networks on this machine (`Programs/three-machines.sh`). Needs root.
final class ThreeMachines {
    let directory: String
    var mount: String { directory + "/mnt" }
    private let processes: BackgroundShell

    static let numbers = 1...3

    init() throws {
        directory = NSTemporaryDirectory() + "sterna-machines-" + UUID().uuidString.prefix(8)
        try sh("mkdir '\(directory)'")
        processes = BackgroundShell(
            "exec bash '\(program("three-machines.sh"))' '\(TestCluster.binaries)' '\(directory)'"
                + " > '\(directory)/output' 2>&1")
        try waitUntil(seconds: 60, "it is mounted") {
            shell("grep -qs 'sterna-mount ready' '\(directory)/log/mount.log'", seconds: 5).status == 0
        }
        try awaitReplicas()
    }

    deinit {
        _ = shell("umount -l '\(mount)' 2>/dev/null", seconds: 30)
        processes.signal(SIGTERM)
        _ = processes.wait(seconds: 30)
        _ = shell("rm -rf --one-file-system '\(directory)'", seconds: 60)
    }

    /// Runs a script on a machine.
    @discardableResult
    func on(_ machine: Int, _ script: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        try sh(
            "nsenter --net -t $(cat '\(directory)/machine-\(machine)') bash -ec '\(script)'", seconds: 30,
            sourceLocation: sourceLocation)
    }

    /// Waits until every group is led and has all its replicas.
    func awaitReplicas(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let registries = Self.numbers.map { "10.77.0.\($0):4000" }.joined(separator: ",")
        try TestCluster.awaitReplicas(sourceLocation: sourceLocation) {
            shell(
                "nsenter --net -t $(cat '\(directory)/machine-4') '\(TestCluster.binaries)/sterna' shards"
                    + " --registry \(registries)", seconds: 10)
        }
    }

    // MARK: The network

    /// Nothing reaches the machine any more, nor comes from it.
    func cutOff(_ machine: Int) throws { try on(4, "ip link set port\(machine) down") }

    func reconnect(_ machine: Int) throws { try on(4, "ip link set port\(machine) up") }

    /// What the machine sends to this one gets lost, and nothing else.
    func silence(_ machine: Int, towards other: Int) throws {
        try on(machine, "ip route add blackhole 10.77.0.\(other)")
    }

    func hear(_ machine: Int, at other: Int) throws { try on(machine, "ip route del blackhole 10.77.0.\(other)") }
}
