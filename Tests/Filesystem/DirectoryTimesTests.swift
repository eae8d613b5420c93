import Filesystem
import Protocol
import Testing

extension OnCluster {
    /// What kernels ask after each file that they have made in a directory.
    @Suite struct DirectoryTimesTests {
        /// Long enough for nothing to be asked again because of the time.
        private static let patient: FilesystemOptions = {
            var options = FilesystemOptions()
            options.caching.names = 3600
            return options
        }()

        private static func expectSame(_ seen: Attributes, _ other: Attributes) {
            #expect(seen.modified == other.modified && seen.changed == other.changed)
            #expect(seen.accessed == other.accessed && seen.permissions == other.permissions)
        }

        @Test func newFilesMoveThemWithoutAQuestion() async throws {
            try await Host.run([Self.patient, FilesystemOptions()]) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let before = try await own.filesystem.attributes(own.directory)
                #expect(await own.filesystem.attributesNow(own.directory) == nil)
                let handle = try await own.create("f").opened.handle
                let during = try #require(await own.filesystem.attributesNow(own.directory))
                Self.expectSame(during, before)
                // Once for each file.
                #expect(await own.filesystem.attributesNow(own.directory) == nil)
                try await own.close(handle)
                try await own.store("g", "text")
                let after = try #require(await own.filesystem.attributesNow(own.directory))
                #expect(after.modified > before.modified)
                #expect(after.validSeconds > 0 && after.validSeconds <= 3600)
                Self.expectSame(after, try await other.filesystem.attributes(other.directory))
            }
        }

        @Test func whatSomebodyChoseGoesWithTheNextName() async throws {
            try await Host.run([Self.patient, FilesystemOptions()]) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let chosen = Timestamp(nanoseconds: 5_000_000_000)
                let change = AttributeChange(modified: .at(chosen), accessed: .at(chosen))
                _ = try await own.filesystem.setAttributes(own.directory, change, through: nil)
                #expect(try await own.filesystem.attributes(own.directory).modified == chosen)
                try await own.store("f", "text")
                let after = try #require(await own.filesystem.attributesNow(own.directory))
                #expect(after.modified > chosen && after.accessed == chosen)
                Self.expectSame(after, try await other.filesystem.attributes(other.directory))
            }
        }

        @Test func otherChangesAreAskedFor() async throws {
            try await Host.run([Self.patient, FilesystemOptions()]) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                func expectAsked(_ change: () async throws -> Void) async throws {
                    _ = try await own.filesystem.attributes(own.directory)
                    _ = try await own.create("open").opened.handle
                    try await change()
                    #expect(await own.filesystem.attributesNow(own.directory) == nil)
                    Self.expectSame(
                        try await own.filesystem.attributes(own.directory),
                        try await other.filesystem.attributes(other.directory))
                    try await own.unlink("open")
                }
                try await own.store("f", "text")
                try await expectAsked { try await own.edit("f", "T", at: 0) }
                try await expectAsked { try await own.rename("f", to: "g") }
                try await expectAsked { try await own.unlink("g") }
                try await expectAsked {
                    _ = try await own.filesystem.makeDirectory(Array("d".utf8), in: own.directory)
                }
                try await expectAsked { try await own.filesystem.removeDirectory(Array("d".utf8), in: own.directory) }
            }
        }
    }
}
