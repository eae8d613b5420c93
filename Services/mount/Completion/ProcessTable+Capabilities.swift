import Filesystem
import Mutations

extension ProcessTable {
    /// Whether a thread has a right of root over what belongs to these, as the kernel counts it: a capability means
    /// nothing to ids that the thread's user namespace does not know. Safe at any time.
    /// - Parameters:
    ///   - caller: as whom the thread made its request. What procfs shows is not what one has that works as somebody
    ///     else for the moment (nfsd): then it is false, as it is where nothing can be found out.
    ///   - group: nil: it does not matter.
    package func has(
        _ right: SuperuserRight, _ thread: Int32, workingAs caller: UInt32, over user: UInt32, _ group: UInt32?
    ) -> Bool {
        // Real, effective, saved, of the filesystem.
        guard let status = read("\(thread)/status"), Self.numbers(of: "Uid:", in: status).last == caller else {
            return false
        }
        let effective = status.split(separator: UInt8(ascii: "\n")).lazy
            .compactMap { Self.value(of: "CapEff:", in: $0) }.first.flatMap { UInt64($0, radix: 16) }
        guard let effective, effective & right.bit != 0 else { return false }
        return known(to: thread)?.know(user: user, group: group) == true
            || Mutation.capabilitiesCountEverywhere.isPlanted
    }

    /// Who has a number in the user namespace of a thread, in our numbers: the kernel shows the outer ones of another
    /// namespace so, of our own the inner ones are ours.
    private func known(to thread: Int32) -> KnownIdentities? {
        func ranges(_ map: String) -> [ClosedRange<UInt32>]? {
            guard let theirs = read("\(thread)/\(map)"), let own = read("self/\(map)") else { return nil }
            return IdentityMap.ranges(String(decoding: theirs, as: UTF8.self), theirs == own ? .inner : .outer)
        }
        guard let users = ranges("uid_map"), let groups = ranges("gid_map") else { return nil }
        return KnownIdentities(users: users, groups: groups)
    }
}

extension SuperuserRight {
    /// Of a set of capabilities.
    fileprivate var bit: UInt64 {
        switch self {
        case .givesAway: 1 << 0
        case .actsAsOwner: 1 << 3
        case .keepsSetGroup: 1 << 4
        }
    }
}
