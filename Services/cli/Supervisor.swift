import Daemon
import EventLoop
import Glibc
import Protocol

/// Starts the services of a cluster stage by stage, starts again what dies, and stops everything in the opposite order.
///
/// `@unchecked Sendable`: everything happens on the loop's thread. Only `setPolicy` and `setOwner` hand `self` to a
/// task, which runs on that loop too and calls back there; the callback checks it.
final class Supervisor: @unchecked Sendable {
    /// Why the cluster could not be brought up, in one sentence.
    struct StartFailure: Error, CustomStringConvertible {
        let description: String
    }

    /// Longest time a stage may take to become ready.
    private static let stageNanoseconds: UInt64 = 60_000_000_000

    private let loop: EventLoop
    private var plan: StartPlan
    private let services: [String: SupervisedService]
    private var addresses: [String: String] = [:]
    private var stage = 0
    private var isUp = false
    private var isStopping = false
    private var signals: [SignalWatcher] = []
    private var stageTimer: LoopTimer?
    private let beganNanoseconds: UInt64
    /// Set when the start failed; everything is stopped then.
    private(set) var failure: StartFailure?

    init(loop: EventLoop, plan: StartPlan) throws {
        self.loop = loop
        self.plan = plan
        beganNanoseconds = loop.monotonicNanoseconds
        let programs = try ClusterPaths.programs()
        var services: [String: SupervisedService] = [:]
        for name in plan.stages.joined() {
            services[name] = SupervisedService(name, loop: loop, programs: programs, paths: plan.paths)
        }
        self.services = services
    }

    /// Begins the start; the loop must run.
    func start() {
        do {
            for signal in [SIGINT, SIGTERM, SIGHUP] {
                signals.append(try SignalWatcher(on: loop, signal: signal) { [unowned self] in stop() })
            }
            signals.append(
                try SignalWatcher(on: loop, signal: SIGCHLD) { [unowned self] in services.values.forEach { $0.reap() } }
            )
            if plan.mounts { try MountPoint(plan.paths.mountPoint).prepare() }
        } catch {
            fail("\(error)")
            return
        }
        for (name, service) in services {
            service.onReady = { [unowned self] address in ready(name, address) }
            service.onDeath = { [unowned self] how, wasReady in died(name, how, wasReady) }
        }
        startStage()
    }

    private func startStage() {
        stageTimer?.cancel()
        stageTimer = loop.timer(afterNanoseconds: Self.stageNanoseconds) { [unowned self] in
            let late = plan.stages[stage].filter { addresses[$0] == nil }
            fail("not ready after 60 s: \(late.joined(separator: ", ")); see \(plan.paths.logs)")
        }
        for name in plan.stages[stage] {
            do { try services[name]?.start(plan.arguments(of: name)) } catch {
                fail("\(error)")
                return
            }
        }
    }

    private func ready(_ name: String, _ address: String) {
        let isFirst = addresses[name] == nil
        addresses[name] = address
        do {
            try replaceTextFile(plan.paths.addressFile(of: name), with: address + "\n")
            if name == "registry", let port = SocketAddress(parsing: address)?.port { plan.layout.registryPort = port }
        } catch {
            warn("\(error)")
        }
        guard !isUp, isFirst, !isStopping, plan.stages[stage].allSatisfy({ addresses[$0] != nil }) else { return }
        if plan.stages[stage].contains("registry") {
            setOwner()
        } else if plan.changesPolicy, plan.stages[stage].contains("shard") {
            setPolicy()
        } else {
            nextStage()
        }
    }

    private func nextStage() {
        guard !isStopping else { return }
        stage += 1
        if stage < plan.stages.count {
            startStage()
        } else {
            finishStart()
        }
    }

    /// Of what nobody was given, before anybody can see it.
    private func setOwner() {
        let key: ClusterKey
        do {
            key = try ClusterKeyFile(plan.paths.key).load()
        } catch {
            return fail("\(error)")
        }
        ClusterOwner.tell(plan.registries, key: key, on: loop) { [self] problem in
            precondition(loop.isOnLoop)
            if let problem {
                fail("the owner of what nobody was given could not be set: \(problem)")
            } else {
                nextStage()
            }
        }
    }

    /// The root directory's policies follow from the layout; set through the public protocol, before anybody writes.
    private func setPolicy() {
        let change: RootPolicy
        do {
            change = try RootPolicy(plan.layout.policy, keepDeleted: plan.keepDeleted)
        } catch {
            fail("the policies of the root directory are too large: \(error)")
            return
        }
        change.apply(registries: plan.registries, on: loop) { [self] problem in
            precondition(loop.isOnLoop)
            if let problem {
                fail("the policies of the root directory could not be set: \(problem)")
            } else {
                nextStage()
            }
        }
    }

    private func finishStart() {
        stageTimer?.cancel()
        isUp = true
        plan.hasBegun()
        do {
            try plan.layout.save(plan.paths.layout)
            printStatus()
            if let path = plan.readyFile { try replaceTextFile(path, with: addresses["registry", default: ""] + "\n") }
        } catch {
            fail("\(error)")
        }
    }

    private func printStatus() {
        let milliseconds = (loop.monotonicNanoseconds - beganNanoseconds) / 1_000_000
        let layout = plan.layout
        print(
            """
            Sterna is up after \(milliseconds / 1000).\(milliseconds / 100 % 10) s.
              registry     \(plan.registries.map(\.description).joined(separator: ","))
              metadata     256 shards in \(layout.replicas == 1 ? "one process" : "\(layout.replicas) replicas"), coordinator \(addresses["cdc", default: "?"])
              storage      \(layout.blockServices) block services in \(layout.failureDomains) failure domains, \
            policy \(layout.policy)
              mounted at   \(plan.mounts ? plan.paths.mountPoint : "-")
              logs         \(plan.paths.logs)
            """)
        fflush(nil)
    }
}

// MARK: - Deaths and the end

extension Supervisor {
    private func died(_ name: String, _ how: String, _ wasReady: Bool) {
        guard !isStopping else { return }
        guard isUp || wasReady else {
            fail("sterna-\(name) \(how) before it was ready; see \(plan.paths.log(of: name))")
            return
        }
        warn("sterna-\(name) \(how); starting it again")
        if name == "mount" {
            do { try MountPoint(plan.paths.mountPoint).prepare() } catch { warn("\(error)") }
        }
        // If it did not get ready there, somebody else may have the port.
        let arguments = plan.arguments(of: name, at: wasReady ? addresses[name] : nil)
        services[name]?.startAfterPause(arguments) { [unowned self] in fail("\($0)") }
    }

    private func fail(_ why: String) {
        failure = failure ?? StartFailure(description: why)
        stop()
    }

    /// Stops the stages from the last to the first, then the loop.
    private func stop() {
        guard !isStopping else { return }
        isStopping = true
        stageTimer?.cancel()
        stopNext(Array(plan.stages.joined().reversed()))
    }

    private func stopNext(_ names: [String]) {
        guard let name = names.first, let service = services[name] else {
            signals.forEach { $0.close() }
            loop.stop()
            return
        }
        service.onStopped = { [unowned self] in stopNext(Array(names.dropFirst())) }
        service.stop()
    }
}
