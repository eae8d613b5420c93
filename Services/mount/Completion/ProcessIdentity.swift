/// A process for as long as it lives: numbers of processes are used again, a number together with its start time is not.
package struct ProcessIdentity: Hashable, Sendable {
    /// Thread group, what people call the process id.
    package let group: Int32
    /// In clock ticks since boot, as `/proc/PID/stat` tells it.
    package let startTicks: UInt64

    package init(group: Int32, startTicks: UInt64) {
        self.group = group
        self.startTicks = startTicks
    }
}
