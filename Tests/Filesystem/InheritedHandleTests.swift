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
