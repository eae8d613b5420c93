import Filesystem
import Glibc
import Testing
import sterna_mount

/// Rights of root that callers have who are not root.
@Suite struct CapabilityTests {
    private static let everybody = "         0          0 4294967295\n"
    private static let container = "         0     100000      65536\n"
    private let processes = FakeProcesses()

    private func has(
        _ right: SuperuserRight, as caller: UInt32 = 1000, over user: UInt32 = 0, _ group: UInt32? = 0
    ) -> Bool {
        processes.rule.processes.has(right, 42, workingAs: caller, over: user, group)
    }

    @Test func whoHasACapabilityHasItsRight() {
        processes.addOwn(uidMap: Self.everybody, gidMap: Self.everybody)
        for (effective, rights): (String, [SuperuserRight]) in [
            ("0000000000000000", []), ("0000000000000001", [.givesAway]), ("0000000000000008", [.actsAsOwner]),
            ("0000000000000010", [.keepsSetGroup]), ("000001ffffffffe6", []),
            ("000001ffffffffff", [.givesAway, .actsAsOwner, .keepsSetGroup]),
        ] {
            processes.add(
                thread: 42, users: "1000\t1000\t1000\t1000", effective: effective, uidMap: Self.everybody,
                gidMap: Self.everybody)
            for right: SuperuserRight in [.givesAway, .actsAsOwner, .keepsSetGroup] {
                #expect(has(right) == rights.contains(right), "\(effective) \(right)")
            }
        }
    }

    /// nfsd is root itself, and has asked as one of its users.
    @Test func whoWorksAsSomebodyElseHasNone() {
        processes.addOwn(uidMap: Self.everybody, gidMap: Self.everybody)
        processes.add(
            thread: 42, users: "0\t0\t0\t0", effective: "000001ffffffffff", uidMap: Self.everybody,
            gidMap: Self.everybody)
        #expect(!has(.actsAsOwner, as: 1000))
        #expect(has(.actsAsOwner, as: 0))
        // setfsuid(2)
        processes.add(
            thread: 42, users: "0\t0\t0\t1000", effective: "000001ffffffffff", uidMap: Self.everybody,
            gidMap: Self.everybody)
        #expect(has(.actsAsOwner, as: 1000))
    }

    @Test func inAUserNamespaceItIsOverThoseWhoAreThere() {
        processes.addOwn(uidMap: Self.everybody, gidMap: Self.everybody)
        processes.add(
            thread: 42, users: "100000\t100000\t100000\t100000", effective: "000001ffffffffff",
            uidMap: Self.container, gidMap: Self.container)
        #expect(has(.actsAsOwner, as: 100_000, over: 165_535, 100_000))
        for (user, group): (UInt32, UInt32?) in [(0, 100_000), (99_999, nil), (165_536, nil), (100_000, 0)] {
            #expect(!has(.actsAsOwner, as: 100_000, over: user, group), "\(user)")
        }
        #expect(has(.actsAsOwner, as: 100_000, over: 100_000, nil))
        // Nobody has a number there yet.
        processes.add(
            thread: 42, users: "1000\t1000\t1000\t1000", effective: "000001ffffffffff", uidMap: "", gidMap: "")
        #expect(!has(.actsAsOwner, over: 1000, nil))
    }

    /// Of our own namespace the kernel shows what its ids are outside.
    @Test func inOurOwnNamespaceTheNumbersAreOurs() {
        processes.addOwn(uidMap: Self.container, gidMap: Self.container)
        processes.add(
            thread: 42, users: "1000\t1000\t1000\t1000", effective: "0000000000000008", uidMap: Self.container,
            gidMap: Self.container)
        #expect(has(.actsAsOwner, over: 0, 0))
        #expect(!has(.actsAsOwner, over: 100_000, nil))
    }

    @Test func whoIsNotSeenHasNone() {
        #expect(!has(.actsAsOwner))
        processes.addOwn(uidMap: Self.everybody, gidMap: Self.everybody)
        #expect(!has(.actsAsOwner))
    }

    /// This process, as procfs shows it.
    @Test func realProcessesHaveWhatTheKernelShows() {
        let own = ProcessTable()
        #expect(own.has(.actsAsOwner, getpid(), workingAs: geteuid(), over: 5, nil) == (geteuid() == 0))
        #expect(!own.has(.actsAsOwner, getpid(), workingAs: geteuid() + 1, over: 5, nil))
    }
}
