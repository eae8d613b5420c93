import EventLoop
import Foundation
import Protocol

/// Requests to the metadata services over UDP. The server has one core, the load the other.
struct MetadataFigures {
    let programs: Programs
    let report: Report
    let cluster: BenchCluster
    /// Syncs a second that the cluster's disk does.
    let syncsPerSecond: Double
    let seconds: Double

    private static let inFlight = 64
    private static let writersInFlight = 32

    func run() throws {
        let shard = try shardZeroAddress()
        try pin(try cluster.pid("shard"), to: "0")
        try pin(getpid(), to: "1")
        defer { for pid in [getpid(), (try? cluster.pid("shard")) ?? 0] { try? pin(pid, to: "0-1") } }
        try reads(shard)
        for pid in [getpid(), try cluster.pid("shard")] { try pin(pid, to: "0-1") }
        try writes(shard)
    }

    private func reads(_ shard: SocketAddress) throws {
        let create = CreateSlot(in: .root, prefix: "lookup")
        _ = try load(shard, DatagramLoad.shardWord, [create], seconds: 0.2)
        let request = LookupRequest(dirId: .root, name: Array("lookup-0".utf8))
        let lookups = { (0..<Self.inFlight).map { _ in RepeatSlot(request) } }
        let stats = { (0..<Self.inFlight).map { _ in RepeatSlot(StatDirectoryRequest(id: .root)) } }
        let echo = try echoRate(lookups)
        for (label, slots) in [("lookup", lookups()), ("stat", stats())] as [(String, [any DatagramLoad.Slot])] {
            let pid = try cluster.pid("shard")
            let before = processorSeconds(pid)
            let result = try load(shard, DatagramLoad.shardWord, slots, seconds: seconds)
            let cost = (processorSeconds(pid) - before) / Double(max(result.operations, 1)) * 1e9
            report.add(
                Figure(
                    "shard: \(label), \(Self.inFlight) in flight, one core", "/s", result.perSecond, ceiling: echo,
                    by: "bare libuv echo", wanted: 0.5))
            report.note("shard: \(label) costs the server \(Int(cost)) ns of processor time")
        }
    }

    private func writes(_ shard: SocketAddress) throws {
        let run = String(ProcessInfo.processInfo.processIdentifier)
        let creates = (0..<Self.writersInFlight).map { CreateSlot(in: .root, prefix: "c\(run)-\($0)") }
        let created = try load(shard, DatagramLoad.shardWord, creates, seconds: seconds)
        report.add(
            Figure(
                "shard: create+link, durable, \(Self.writersInFlight) in flight", "/s", created.perSecond,
                ceiling: syncsPerSecond, by: "fsyncs of the disk", wanted: 2))
        try TransactionFigures(
            report, cluster, shardZero: shard, syncsPerSecond: syncsPerSecond, seconds: seconds
        ).run()
    }

    private func load(
        _ address: SocketAddress, _ word: UInt32, _ slots: [any DatagramLoad.Slot], seconds: Double
    ) throws -> DatagramLoad.Result {
        try DatagramLoad.run(to: address, protocolWord: word, slots: slots, seconds: seconds)
    }

    /// Answers a second of a server that sends every packet back, on the core that the shard host then gets.
    private func echoRate(_ slots: () -> [any DatagramLoad.Slot]) throws -> Double {
        let process = Programs.process("\(programs.tools)/udp_echo", ["0"], on: "0")
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        let line = String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = line.split(whereSeparator: { !$0.isNumber }).first.flatMap({ UInt16($0) }) else {
            throw ProgramError(description: "udp_echo did not print its port: \(line)")
        }
        return try load(.loopback(port: port), DatagramLoad.shardWord, slots(), seconds: seconds).perSecond
    }

    private func shardZeroAddress() throws -> SocketAddress {
        guard let address = SocketAddress(parsing: try cluster.address("shard")) else {
            throw ProgramError(description: "the shard host has reported no address")
        }
        return address
    }

    private func pin(_ pid: Int32, to cpus: String) throws {
        try programs.run("/usr/bin/taskset", ["-a", "-p", "-c", cpus, "\(pid)"])
    }
}

extension DatagramLoad {
    static let shardWord: UInt32 = 0x0041_4853
    static let coordinatorWord: UInt32 = 0x0043_4443
}
