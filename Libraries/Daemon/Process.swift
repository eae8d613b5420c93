import CLinux
import EventLoop
import Glibc

/// Settings of the whole process.
package enum Process {
    /// Has the kernel send us SIGTERM when the parent ends, and makes sure that it has not ended before that.
    static func tieToParent(_ parent: Int32?) throws(SystemError) {
        guard let parent else { return }
        let code = linux_set_parent_death_signal(SIGTERM)
        guard code == 0 else { throw SystemError("watch the parent process", code: code) }
        guard getppid() == parent else { throw SystemError("parent process \(parent) is gone", code: ESRCH) }
    }

    /// Whoever started us may have done so on a thread that blocks signals (a dispatch worker blocks them all), and we
    /// inherit that: SIGTERM would never arrive.
    package static func unblockSignals() {
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
    }

    /// Servers hold thousands of connections and files; the usual soft limit is 1024. Best effort: the hard limit
    /// stands.
    static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
