import Client
import EventLoop
import Glibc
import Logging
import Mutations
import Protocol

extension Filesystem {
    /// How long what is open may take to end: less than a process has in all.
    private static let endingNanoseconds: UInt64 = 7_000_000_000

    /// Ends what is open when the front end goes away, and lets nothing new begin. What was being published is
    /// finished. What nobody holds any more is published, as its last release would have; what somebody was still
    /// writing cannot be complete and is scrapped, as everybody learns who goes on writing to it. What servers that are
    /// away keep from being published is lost then, and named in the log.
    ///
    /// - Parameter afterLastRelease: whether the front end says that nobody has a file open any more.
    public func endAll(afterLastRelease: Bool) async {
        isEnding = !Mutation.writersOutliveTheEnd.isPlanted
        let open = Array(stagedFiles.values)
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
            for staged in open {
                let node = staged.node.id
                loop.task({ await self.end(node, afterLastRelease) }) { _ in
                    left -= 1
                    ended()
                }
            }
            ended()
        }
        for staged in open where staged.state != .ended && !staged.wasRemovedHere {
            report("end", staged.place, FilesystemError(ETIMEDOUT, "the cluster did not answer before all ended"))
        }
        logOmissions()
    }

    private func end(_ node: NodeID, _ afterLastRelease: Bool) async {
        guard let staged = stagedFiles[node] else { return }
        if let publication = staged.publication {
            _ = await publication.value
        } else if await isComplete(staged, afterLastRelease) {
            _ = await publish(staged)
        } else if staged.state == .building {
            // Nobody misses what had lost its name.
            if !staged.wasRemovedHere { report("end", staged.place, .ended) }
            if !Mutation.writersOutliveTheEnd.isPlanted { failWriters(of: staged.node, .ended) }
            await scrap(staged)
        }
    }

    /// What would be begun now nobody would end.
    func checkNotEnding() throws(FilesystemError) {
        guard !isEnding else { throw .ended }
    }

    /// The same for what began before all ended, and would be found only now.
    func checkNotEnding(abandoning writer: FileWriter) async throws(FilesystemError) {
        guard isEnding, !Mutation.stagingOutlivesTheEnd.isPlanted else { return }
        await writer.abandon()
        throw .ended
    }

    private func isComplete(_ staged: StagedFile, _ afterLastRelease: Bool) async -> Bool {
        guard afterLastRelease, !staged.isUnlinked else { return false }
        let isAbandoned = openFiles.values.contains { $0.hasChanged(staged) && $0.isAbandoned }
        guard staged.isWanted || !(isAbandoned || staged.wasAbandoned) else { return false }
        // A front end can be wrong: somebody aborts a mount under running programs.
        return await !staged.creator.holds(staged.description)
    }
}
