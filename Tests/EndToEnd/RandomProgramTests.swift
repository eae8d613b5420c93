import Testing

extension EndToEnd {
    /// A short campaign of random programs; `ops/random-programs` runs long ones. See Tests/VisibleFilesystem.
    @Suite(.serialized) struct RandomProgramTests {
        @Test("random programs see on two mounts what the model sees", .timeLimit(.minutes(5)))
        func programs() throws {
            // In every run the same: whoever breaks something shall see it every time.
            let output = try run("--seed 1 --operations 1500")
            for done in [
                "crash ", "kill ", "handOver ", "fsync ", "pwrite ", "open EEXIST ", "rename ", "unlink ", "chmod ",
                "chown ", "setList ", "setExtended ", "setTimes ", "open EACCES ", "chmod EPERM ", "map ", "store ",
                "load ", "msync ", "fallocate ", "ftruncate ", ", truncate ",
            ] {
                #expect(output.contains(done), "nothing of this happened: \(done)")
            }
        }

        @Test("scripts that once found something", .timeLimit(.minutes(3)))
        func scripts() throws {
            let here = #filePath
            let scripts = here[..<here.lastIndex(of: "/")!] + "/../VisibleFilesystem/Scripts"
            let output = try run("$(printf -- '--script %s ' '\(scripts)'/*.script)")
            #expect(output.contains("crash ") && output.contains("write "), "\(output)")
        }

        /// What a campaign on a new cluster prints; it must find nothing.
        private func run(_ options: String) throws -> String {
            let cluster = try TestCluster("--no-mount --policy mirror:2")
            let result = shell(
                "exec '\(TestCluster.binaries)/sterna-random-programs' --cluster '\(cluster.directory)' \(options)",
                seconds: 240)
            #expect(result.status == 0, "\(result.output.suffix(8000))")
            return result.output
        }
    }
}
