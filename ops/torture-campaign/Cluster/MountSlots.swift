import Foundation
import Synchronization

/// A call that failed because its mount was killed while it was under way.
struct MountKilled: Error, CustomStringConvertible {
    let error: PosixError
    var description: String { "cut off by a killed mount: \(error)" }
}

/// The mounts of a campaign, each of which may be killed and replaced while it is used. Nobody ever meets the empty
/// directory below a mount point: a mount is replaced when everybody who was in it has left, and entered when it is
/// there again. Thread-safe.
final class MountSlots: Sendable {
    private struct Slot {
        var mount: TortureMount?
        var isOpen = true
        /// It does not come back.
        var isGivenUp = false
        /// Those who are in it.
        var users = 0
        /// How often it was killed.
        var kills = 0
    }

    private let slots: Mutex<[Slot]>
    private let make: @Sendable (Int) throws -> TortureMount
    let count: Int
    let paths: [String]

    /// What calls end with on a mount whose process has gone, as far as errno(3) and the mount's README say.
    private static let errorsOfKilledMounts: Set<Int32> = [ENOTCONN, ECONNABORTED, EIO, EINTR]

    /// - Parameter make: mounts number so and so, at `paths`.
    init(_ paths: [String], make: @escaping @Sendable (Int) throws -> TortureMount) throws {
        self.paths = paths
        self.make = make
        count = paths.count
        var made: [Slot] = []
        do {
            for number in paths.indices { made.append(Slot(mount: try make(number))) }
        } catch {
            for slot in made { _ = slot.mount?.stop() }
            throw error
        }
        slots = Mutex(made)
    }

    // MARK: Use

    /// Does something in a mount, by its path. Throws `MountKilled` for what failed because it was killed meanwhile.
    func use<R>(_ number: Int, _ body: (String) throws -> R) throws -> R {
        let kills = try enter(number)
        defer { slots.withLock { $0[number].users -= 1 } }
        do {
            return try body(paths[number])
        } catch let error as PosixError {
            guard slots.withLock({ $0[number].kills }) != kills, Self.errorsOfKilledMounts.contains(error.code) else {
                throw error
            }
            throw MountKilled(error: error)
        }
    }

    private func enter(_ number: Int) throws -> Int {
        while true {
            let kills: Int? = try slots.withLock { slots in
                if slots[number].isGivenUp { throw MountKilled(error: PosixError(operation: "enter", code: ENOTCONN)) }
                guard slots[number].mount != nil else {
                    throw CampaignError(description: "mount \(number) is not there")
                }
                guard slots[number].isOpen else { return nil }
                slots[number].users += 1
                return slots[number].kills
            }
            if let kills { return kills }
            usleep(5_000)
        }
    }

    // MARK: Faults

    /// Kills a mount and mounts it again when its users have noticed.
    func replace(_ number: Int) throws {
        slots.withLock { slots in
            slots[number].isOpen = false
            slots[number].kills += 1
        }
        try mountAgain(number)
    }

    private func mountAgain(_ number: Int) throws {
        let old = slots.withLock { $0[number].mount }
        do {
            guard let old else { throw CampaignError(description: "it was not mounted") }
            old.kill()
            guard waitUntil(seconds: 120, { slots.withLock { $0[number].users == 0 } }) else {
                throw CampaignError(description: "its users still wait for it")
            }
            old.detach()
            let new = try make(number)
            slots.withLock { slots in
                slots[number].mount = new
                slots[number].isOpen = true
            }
        } catch {
            slots.withLock { $0[number].mount = nil }
            throw error
        }
    }

    /// Lets nobody in until `reopen`. - Returns: the mounts' processes, all of which are to be killed now.
    func close() -> [pid_t] {
        slots.withLock { slots in
            for number in slots.indices {
                slots[number].isOpen = false
                slots[number].kills += 1
            }
            return slots.compactMap(\.mount?.pid)
        }
    }

    /// Mounts everything again that was killed after `close`.
    func reopen() throws {
        for number in 0..<count { try mountAgain(number) }
    }

    /// There is nothing to mount any more: whoever waits for a mount that was closed goes.
    func giveUp() {
        for number in 0..<count { slots.withLock { $0[number].isGivenUp = true } }
    }

    /// Lets go of everybody who waits.
    func abort() {
        for mount in slots.withLock({ $0.compactMap(\.mount) }) { mount.abort() }
    }

    /// Unmounts everything. - Returns: paths of mounts that did not end properly.
    func stop() -> [String] {
        let mounts = slots.withLock { slots in
            let mounts = slots.compactMap(\.mount)
            for number in slots.indices { slots[number].mount = nil }
            return mounts
        }
        return mounts.filter { !$0.stop() }.map(\.path)
    }
}
