import Mutations

/// Bytes of spans that wait for block services, over all files of a client. Confined to its loop.
package final class UploadBudget {
    private let limitBytes: Int
    package private(set) var usedBytes = 0
    private var waiters: [() -> Void] = []

    package init(limitBytes: Int) {
        self.limitBytes = limitBytes
    }

    /// One span is always let through, however large.
    package var hasRoom: Bool { usedBytes < limitBytes }

    package func add(_ bytes: Int) {
        usedBytes += bytes
    }

    package func remove(_ bytes: Int) {
        usedBytes -= bytes
        guard hasRoom else { return }
        let resumed = waiters
        waiters = []
        for waiter in resumed { waiter() }
    }

    /// Waits until there is room, and takes it.
    nonisolated(nonsending) func take(_ bytes: Int) async {
        while !hasRoom, !Mutation.rebuildingsTakeAnyMemory.isPlanted {
            await withUnsafeContinuation { continuation in waiters.append { continuation.resume() } }
        }
        add(bytes)
    }

    /// Calls `resume` once there may be room again.
    package func wait(_ resume: @escaping () -> Void) {
        if hasRoom { resume() } else { waiters.append(resume) }
    }
}
