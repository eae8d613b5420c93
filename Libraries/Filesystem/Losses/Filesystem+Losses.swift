import Glibc
import Logging
import Mutations
import Protocol

// Every write that was refused or failed, and every close that could not keep its word, leaves a line; so does every
// open and every change of names that the cluster could not do.

extension Filesystem {
    /// How long losses without a line are counted before the log says how many they were.
    private static let omissionNanoseconds: UInt64 = 10_000_000_000

    /// The first error of a file sticks: what was to be written then is missing, so the file must not appear, whatever
    /// is written later. Says so in the log, once.
    func fail(_ staged: StagedFile, _ operation: StaticString, _ failure: FilesystemError) -> FilesystemError {
        if staged.failure == nil, staged.state == .building {
            if !Mutation.errorsAreForgotten.isPlanted { staged.failure = failure.told }
            report(operation, staged.place, failure)
            staged.node.wake()
        }
        return failure.told
    }

    /// The same for a finished file: it stays as it was, but who was to continue it must learn of it at its close.
    func fail(_ file: OpenFile, _ operation: StaticString, _ failure: FilesystemError) -> FilesystemError {
        if file.failure == nil {
            file.failure = failure.told
            report(operation, file.node.place, failure)
        }
        return failure.told
    }

    /// A change through this handle was given up before there was a staged file to put it in. Whatever is written of
    /// the file now would be missing it, through whichever handle; and a page of a mapping comes through any of them.
    func lose(_ file: OpenFile, _ operation: StaticString, _ failure: FilesystemError) -> FilesystemError {
        // It has stuck already, goes on, or is done in another way by who asked.
        guard !failure.isTold, file.failure == nil, failure.code != EXDEV else { return failure }
        let isOthers = !Mutation.lostChangesFailOneHandle.isPlanted
        if isOthers, let staged = file.node.staged, staged.state == .building {
            return fail(staged, operation, failure)
        }
        let told = fail(file, operation, failure)
        if isOthers { failWriters(of: file.node, told) }
        return told
    }

    /// Nothing comes of a file because those who wrote it were killed.
    func reportAbandoned(_ staged: StagedFile) {
        guard staged.wasAbandoned, !staged.wasRemovedHere else { return }
        report("release", staged.place, .writerWasKilled)
    }

    /// Does what a program wants of a name. When the cluster cannot do it, that leaves a line, unless it has one.
    func telling<T>(
        _ operation: StaticString, of place: @autoclosure () -> Place?,
        _ step: nonisolated(nonsending) () async throws(FilesystemError) -> T
    ) async throws(FilesystemError) -> T {
        do {
            return try await step()
        } catch {
            guard error.isOfCluster, !error.isTold, !Mutation.outagesAreKeptQuiet.isPlanted else { throw error }
            report(operation, place(), error)
            throw error.told
        }
    }

    func place(_ name: [UInt8], in parent: NodeID) -> Place? {
        (try? directory(parent)).map { Place(directory: $0, name: name) }
    }

    /// A line about something that a program wanted and did not get.
    func report(_ operation: StaticString, _ place: Place?, _ failure: FilesystemError) {
        lossCount += 1
        guard losses.admits(at: loop.monotonicNanoseconds) else { return announceOmissions() }
        logger.warning(
            "\(operation) failed: \(failure.reason)",
            metadata: [
                "path": "\(place.map(path) ?? "(removed)")", "operation": "\(operation)", "errno": "\(failure.name)",
            ])
    }

    private func announceOmissions() {
        guard losses.omitted == 1 else { return }
        _ = loop.timer(afterNanoseconds: Self.omissionNanoseconds) { [weak self] in
            self?.assumeIsolated { $0.logOmissions() }
        }
    }

    func logOmissions() {
        let count = losses.takeOmitted()
        if count > 0 { logger.warning("\(count) more failures of this kind had no line of their own") }
    }

    /// The path of a place below the root, as far as it is known here: otherwise from a directory's number.
    func path(of place: Place) -> String {
        var names = [place.name]
        var directory = place.directory
        // The cluster has no loops, but what is known here may be a second old.
        while directory != .root, names.count < 200, let above = nodes[NodeID(directory)]?.place {
            names.append(above.name)
            directory = above.directory
        }
        let path = names.reversed().map { "/" + String(decoding: $0, as: UTF8.self) }.joined()
        return directory == .root ? path : "(directory \(directory))\(path)"
    }
}
