import Glibc
import TestSupport
import Testing
import sterna_mount

/// What cannot be found out of a process is not known.
@Suite(.timeLimit(.minutes(1))) struct ProcessTableTests {
    @Test("a listing of descriptors that breaks off does not say that there is none") func brokenListing() throws {
        let mount = try VolatileMount()
        for place in ["/41", "/41/fd"] where mkdir(mount.path + place, 0o755) != 0 {
            throw POSIXFailure("make \(place)")
        }
        let table = ProcessTable(root: mount.path)
        #expect(table.hasDescriptor(41, onInode: 7, named: [[65]]) == false)
        try mount.command("fail-list /41/fd 1")
        #expect(table.hasDescriptor(41, onInode: 7, named: [[65]]) == nil)
    }
}
