import Protocol

extension BlockDisk {
    /// Opens a block for reading. Throws `blockNotFound`.
    public func open(_ block: BlockID) throws(BlockStoreError) -> BlockFile {
        let damage: BlockStoreError
        switch smallBlocks {
        case .absent: return try BlockFile(block, on: self)
        case .opened(let store):
            do throws(BlockStoreError) {
                if let file = try store.open(block) { return file }
                damage = .blockNotFound
            } catch {
                damage = error
            }
        case .damaged(let error): damage = error
        }
        do throws(BlockStoreError) {
            return try BlockFile(block, on: self)
        } catch .blockNotFound {
            throw damage  // it may well be one of those
        }
    }
}
