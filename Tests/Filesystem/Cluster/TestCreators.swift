import Filesystem

/// Handles are not shared here: whoever closes the last one has finished the file, unless he was killed.
struct TestCreators: Creators, Creator {
    /// Is killed: its closes come from the end of its process.
    static let killed = Caller(thread: 9)
    /// Ends in good order.
    static let exiting = Caller(thread: 8)
    /// Closes his last descriptor, whoever else has the file open.
    static let finished = Caller(thread: 7)
    /// Got a handle from whoever opened it.
    static let child = Caller(thread: 6)

    nonisolated(nonsending) func creator(_ caller: Caller) async -> any Creator { self }

    /// Everybody is in this group beside his own.
    static let sharedGroup: UInt32 = 77

    nonisolated(nonsending) func belongs(_ caller: Caller, to group: UInt32) async -> Bool {
        group == Self.sharedGroup
    }

    /// Has every right of root over what belongs to users from 1000 on.
    static let capable = Caller(thread: 5, user: 999, group: 999)

    nonisolated(nonsending) func has(
        _ right: SuperuserRight, _ caller: Caller, over user: UInt32, _ group: UInt32?
    ) async -> Bool {
        caller.thread == Self.capable.thread && user >= 1000
    }

    nonisolated(nonsending) func verdict(on file: UnfinishedFile, closedBy caller: Caller) async -> CloseVerdict {
        switch caller.thread {
        case Self.killed.thread: .killed
        case Self.exiting.thread: .exiting
        case Self.finished.thread: .complete
        case Self.child.thread: .unfinished
        default: file.handles == 1 ? .complete : .unfinished
        }
    }

    nonisolated(nonsending) func holds(_ file: UnfinishedFile) async -> Bool {
        file.names.contains(Self.heldName)
    }

    /// A file whose creator is said to have it open when everything ends.
    static let heldName = Array("held".utf8)
}
