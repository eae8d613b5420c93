import EventLoop
import Glibc
import Logging
import Protocol

extension Mount {
    /// How long what is open may take to end: less than the process has in all.
    private static let endingNanoseconds: UInt64 = 7_000_000_000

    /// Ends what is open when the mount goes away. What was being published is finished. What nobody holds any more is
    /// published, as its last release would have; what somebody was still writing cannot be complete and is scrapped.
    /// What servers that are away keep from being published is lost then, and named in the log.
    ///
    /// - Parameter wasUnmounted: whether the kernel ended the session, which it does when the last file was closed.
    func endAll(wasUnmounted: Bool) async {
        let open = Array(constructions.values)
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            var waiting: UnsafeContinuation<Void, Never>? = continuation
            var left = open.count
            let deadline = loop.timer(afterNanoseconds: Self.endingNanoseconds) {
                waiting?.resume()
                waiting = nil
            }
            func ended() {
                guard left == 0 else { return }
                deadline.cancel()
                waiting?.resume()
                waiting = nil
            }
            for construction in open {
                let number = construction.number
                loop.task({ await self.end(number, wasUnmounted) }) { _ in
                    left -= 1
                    ended()
                }
            }
            ended()
        }
        for construction in open where construction.state != .ended {
            report("end", construction.place, Errno(ETIMEDOUT, "the cluster did not answer before the mount ended"))
        }
        logOmissions()
    }

    private func end(_ number: UInt64, _ wasUnmounted: Bool) async {
        guard let construction = constructions[number] else { return }
        if let publication = construction.publication {
            _ = await publication.value
        } else if await isComplete(construction, wasUnmounted) {
            _ = await publish(construction)
        } else if construction.state == .building {
            report("end", construction.place, Errno(EINTR, "the mount ended while it was being written"))
            await scrap(construction)
        }
    }

    private func isComplete(_ construction: Construction, _ wasUnmounted: Bool) async -> Bool {
        guard wasUnmounted, !construction.isAbandoned, !construction.isUnlinked else { return false }
        // The session ends, too, when somebody aborts it under running programs.
        return await !watch.isHeld(
            by: construction.creator, inode: construction.number, names: construction.names)
    }
}
