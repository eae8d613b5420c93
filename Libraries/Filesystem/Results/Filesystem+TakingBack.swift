import Mutations

// Nobody heard an answer: what would have been held through it is taken back.

extension Filesystem {
    public func takeBack(_ entry: Entry) {
        forget(entry.node, 1)
    }

    public func takeBack(_ opened: OpenedFile) async {
        await release(opened.handle, isInterrupted: !Mutation.unheardHandlesStay.isPlanted)
    }

    public func takeBack(_ created: CreatedFile) async {
        takeBack(created.entry)
        await takeBack(created.opened)
    }
}
