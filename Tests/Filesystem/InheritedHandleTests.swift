import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// Several programs have one handle, and some of them are killed.
    @Suite struct InheritedHandleTests {
        @Test func whatIsWrittenAfterTheCreatorWasKilledAppears() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let handle = try await own.create("f").opened.handle
                try await own.write(handle, "a")
                try await own.filesystem.close(handle, by: TestCreators.killed)
                try await own.write(handle, "b", at: 1)
                try await own.filesystem.close(handle, by: TestCreators.child)
                await own.filesystem.release(handle)
                #expect(try await own.contents("f") == "ab")
            }
        }

        @Test func whatACreatorWroteWhoEndedWellAppears() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let handle = try await own.create("f").opened.handle
                try await own.write(handle, "whole")
                try await own.filesystem.close(handle, by: TestCreators.exiting)
                try await own.filesystem.close(handle, by: TestCreators.killed)
                await own.filesystem.release(handle)
                #expect(try await own.contents("f") == "whole")
                #expect(own.losses.lines.isEmpty)
            }
        }

        @Test func ifAllWereKilledTheLogTellsOfIt() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let handle = try await own.create("f").opened.handle
                try await own.write(handle, "half")
                try await own.filesystem.close(handle, by: TestCreators.killed)
                try await own.write(handle, " more", at: 4)
                try await own.filesystem.close(handle, by: TestCreators.killed)
                await own.filesystem.release(handle)
                #expect(try await code { _ = try await own.node("f") } == ENOENT)
                #expect(own.losses.lines == ["release EINTR"])
                #expect(await own.filesystem.lossCount == 1)
            }
        }
    }
}
