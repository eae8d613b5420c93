import EventLoop
import Glibc
import Logging
import Protocol

extension Mount {
    /// Ends what is open when the mount goes away. What was being published is finished. What nobody holds any more is
    /// published, as its last release would have; what somebody was still writing cannot be complete and is scrapped.
    ///
    /// - Parameter wasUnmounted: whether the kernel ended the session, which it does when the last file was closed.
    func endAll(wasUnmounted: Bool) async {
        for construction in Array(constructions.values) {
            if let publication = construction.publication {
                _ = await publication.value
                continue
            }
            guard construction.state == .building else { continue }
            if await isComplete(construction, wasUnmounted) {
                if let failure = await publish(construction) { reportLoss(construction, failure) }
            } else {
                await scrap(construction)
            }
        }
    }

    private func isComplete(_ construction: Construction, _ wasUnmounted: Bool) async -> Bool {
        guard wasUnmounted, !construction.isAbandoned, !construction.isUnlinked else { return false }
        // The session ends, too, when somebody aborts it under running programs.
        return await !watch.isHeld(
            by: construction.creator, inode: construction.number, names: construction.names)
    }

    func reportLoss(_ construction: Construction, _ failure: Errno) {
        logger.warning(
            "a file could not be published after its last close: \(SystemError.message(forCode: failure.code))",
            metadata: ["name": "\(String(decoding: construction.place.name, as: UTF8.self))"])
    }
}
