import CLinux
import Glibc
import Testing
import sterna_mount

/// Against real processes.
@Suite struct CreatorTests {
    @Test func knowsItsOwnThreads() throws {
        let own = try #require(CreatorProcess(group: getpid()))
        #expect(own.exists)
        #expect(own.contains(getpid()))
        #expect(own.contains(linux_thread_id()))
        #expect(!own.contains(1))
        #expect(!own.contains(0))
        #expect(!own.contains(-1))
    }

    @Test func aProcessThatIsGoneIsNobody() throws {
        var child = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("true"), nil]
        defer { free(arguments[0]) }
        let status = posix_spawn(&child, "/bin/true", nil, nil, &arguments, nil)
        try #require(status == 0)
        let process = try #require(CreatorProcess(group: child))
        #expect(waitpid(child, nil, 0) == child)
        #expect(!process.exists)
        #expect(!process.contains(child))
        #expect(CreatorProcess(group: child) == nil)
    }

    @Test func remembersProcessesByThread() throws {
        var cache = CreatorCache()
        let own = cache.process(of: getpid())
        #expect(own != nil)
        let again = cache.process(of: getpid())
        #expect(again === own)
        let nobody = cache.process(of: 0x7fff_ffff)
        #expect(nobody == nil)
        // A thread that is not the first of its process has to be found by reading.
        let thread = linux_thread_id()
        if thread != getpid() {
            let unknown = cache.process(of: thread)
            #expect(unknown == nil)
            let inserted = cache.insert(group: getpid(), thread)
            #expect(inserted?.group == getpid())
            let known = cache.process(of: thread)
            #expect(known === inserted)
        }
    }
}
