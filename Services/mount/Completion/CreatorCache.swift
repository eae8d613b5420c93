import CLinux

/// Processes that made files lately, by thread: a program usually makes many.
package struct CreatorCache {
    private var byThread: [Int32: CreatorProcess] = [:]
    private static let limit = 1024

    package init() {}

    /// The process of a living thread, if that is known or can be found out without reading.
    package mutating func process(of thread: Int32) -> CreatorProcess? {
        if let known = byThread[thread], known.contains(thread) { return known }
        // The first thread of a process has the number of the process.
        guard linux_thread_belongs(thread, thread) != 0 else { return nil }
        return insert(group: thread, thread)
    }

    package mutating func insert(group: Int32, _ thread: Int32) -> CreatorProcess? {
        guard let process = CreatorProcess(group: group), process.contains(thread) else { return nil }
        if byThread.count >= Self.limit { byThread.removeAll() }
        byThread[thread] = process
        return process
    }
}
