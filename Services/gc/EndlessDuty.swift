/// A part of the daemon that works by itself until it is told to end.
protocol EndlessDuty: Sendable {
    /// Until the task is cancelled.
    func run() async
    /// Fails what is under way, so that `run` ends soon.
    func close() async
}
