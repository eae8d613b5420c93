import Glibc
import Protocol

/// What a disk in use needs from time to time, from whoever serves it. Every call may block for long.
extension BlockDisk {
    /// A bounded turn of getting the space of erased small blocks back; true when there is more to do. Changes of small
    /// blocks bring turns of their own: this is for what is left when none come.
    public func tidyUp() -> Bool {
        if case .opened(let store) = smallBlocks { store.tidyUp() } else { false }
    }

    /// Segments of small blocks whose garbage stays because they cannot be read.
    public var segmentsSetAside: Int {
        if case .opened(let store) = smallBlocks { store.segmentsSetAside } else { 0 }
    }

    /// What was found about the small blocks since the last call, or since the disk was opened.
    public func takeNotices() -> [SmallBlockNotice] {
        var result = upkeepNotices.withLock { notices in
            defer { notices = [] }
            return notices
        }
        if case .opened(let store) = smallBlocks { result += store.takeNotices() }
        return result
    }

    /// Makes the index of small blocks anew from the segments when it is damaged. Reads all segments, twice; during the
    /// second time small blocks are answered with the damage, never as missing. Once in the life of this object: what
    /// is damaged again has another cause. Segments that cannot be read leave the index as it is, since it may know of
    /// blocks that the segments would not give back.
    ///
    /// Also opens the store of small blocks that found no room, or no descriptors, when the disk was opened. Else does
    /// nothing.
    public func repairSmallBlocks() {
        making.withLock { wasRepaired in
            if case .damaged(let error) = smallBlocks, !error.isMediumError { return openAgain(after: error) }
            guard !wasRepaired, let damage, case .smallBlocksDamaged = damage else { return }
            do throws(BlockStoreError) {
                try SmallBlockStore.checkSegments(below: directory, key: secretKey)
                wasRepaired = true
                try rebuildSmallBlocks(after: damage)
                note(.init("the index was damaged and is made anew: \(damage)", isMediumError: true))
            } catch where error.isPassing && !wasRepaired {
                return  // tried again, perhaps when there is room
            } catch {
                if wasRepaired { replaceSmallBlocks(by: .damaged(error.isPassing ? error : damage)) }
                wasRepaired = true
                note(.init("the damaged index could not be made anew: \(error)", isMediumError: true))
            }
            repairIsSpent.store(true, ordering: .relaxed)
        }
    }

    /// Whether an error says that the disk should go. Damage of the index that is about to be repaired does not.
    public func isHopeless(_ error: BlockStoreError) -> Bool {
        guard case .smallBlocksDamaged = error else { return error.isMediumError }
        return repairIsSpent.load(ordering: .relaxed)
    }

    private func openAgain(after earlier: BlockStoreError) {
        do throws(BlockStoreError) {
            let store = try SmallBlockStore(of: directory, path: path, key: secretKey)
            for notice in store.notices { note(.init(notice)) }
            replaceSmallBlocks(by: .opened(store))
            note(.init("the index could not be opened before: \(earlier); now it is"))
        } catch {
            replaceSmallBlocks(by: .damaged(error))
        }
    }

    private func rebuildSmallBlocks(after damage: BlockStoreError) throws(BlockStoreError) {
        if case .opened(let store) = smallBlocks {
            replaceSmallBlocks(by: .damaged(damage))
            store.takeNotices().forEach(note)
            try store.retire(because: damage)
        }
        try SmallBlockStore.removeIndex(below: directory, path: path)
        let store = try SmallBlockStore(of: directory, path: path, key: secretKey)
        for notice in store.notices { note(.init(notice)) }
        replaceSmallBlocks(by: .opened(store))
    }

    private func note(_ notice: SmallBlockNotice) { upkeepNotices.withLock { $0.append(notice) } }
}
