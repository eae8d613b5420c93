import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// Several programs have one handle, and some of them are killed.
    @Suite struct InheritedHandleTests {
        /// A program makes the file and writes `first`; it and who has the handle after it close it, and the last of
        /// them may write something more before.
        private func share(
            on host: Host, _ first: String, closedBy callers: [Caller], more: String = ""
        ) async throws {
            let handle = try await host.create("f").opened.handle
            try await host.write(handle, first)
            for (index, caller) in callers.enumerated() {
                if index + 1 == callers.count, !more.isEmpty {
                    try await host.write(handle, more, at: UInt64(first.utf8.count))
                }
                try await host.filesystem.close(handle, by: caller)
            }
            await host.filesystem.release(handle)
        }

        @Test func whatIsWrittenAfterTheCreatorWasKilledAppears() async throws {
            try await Host.run { hosts in
                try await share(on: hosts[0], "a", closedBy: [TestCreators.killed, TestCreators.child], more: "b")
                #expect(try await hosts[0].contents("f") == "ab")
            }
        }

        @Test func whatACreatorWroteWhoEndedWellAppears() async throws {
            try await Host.run { hosts in
                try await share(on: hosts[0], "whole", closedBy: [TestCreators.exiting, TestCreators.killed])
                #expect(try await hosts[0].contents("f") == "whole")
                #expect(hosts[0].losses.lines.isEmpty)
            }
        }

        @Test func theLogTellsOfItWhoeverClosesLast() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let handle = try await own.create("f").opened.handle
                let idle = try await own.open("f", .writing)
                try await own.write(handle, "half")
                try await own.filesystem.close(handle, by: TestCreators.killed)
                await own.filesystem.release(handle)
                #expect(own.losses.lines.isEmpty)
                try await own.filesystem.close(idle, by: TestCreators.child)
                await own.filesystem.release(idle)
                #expect(try await code { _ = try await own.node("f") } == ENOENT)
                #expect(own.losses.lines == ["release EINTR"])
            }
        }

        @Test func theLogTellsOfAnEditThatGetsItsNameBackInVain() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("f", "old")
                let reader = try await own.open("f", .reading)
                let handles = [try await own.open("f", .writing), try await own.create("g").opened.handle]
                for handle in handles { try await own.write(handle, "half") }
                try await own.rename("g", to: "f")
                for handle in handles {
                    try await own.filesystem.close(handle, by: TestCreators.killed)
                    await own.filesystem.release(handle)
                }
                let deadline = ContinuousClock.now + .seconds(60)
                while own.losses.lines.count < 2, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(own.losses.lines == ["release EINTR", "release EINTR"])
                #expect(try await own.contents("f") == "old")
                try await own.close(reader)
            }
        }

        @Test func whatAKilledProgramLeftIsNotPublishedAtTheEnd() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let handle = try await own.create("f").opened.handle
                _ = try await own.open("f", .writing)
                try await own.write(handle, "half")
                try await own.filesystem.close(handle, by: TestCreators.killed)
                await own.filesystem.release(handle)
                await own.filesystem.endAll(afterLastRelease: true)
                #expect(try await code { _ = try await other.node("f") } == ENOENT)
                #expect(own.losses.lines == ["end EIO"])
            }
        }

        @Test func ifAllWereKilledTheLogTellsOfIt() async throws {
            try await Host.run { hosts in
                // One of those in between has ended well, which says nothing about the others.
                let callers = [TestCreators.killed, TestCreators.child, TestCreators.killed]
                try await share(on: hosts[0], "half", closedBy: callers, more: " more")
                #expect(try await code { _ = try await hosts[0].node("f") } == ENOENT)
                #expect(hosts[0].losses.lines == ["release EINTR"])
                #expect(await hosts[0].filesystem.lossCount == 1)
            }
        }
    }
}
