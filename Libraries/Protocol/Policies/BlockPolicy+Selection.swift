extension BlockPolicy {
    /// The storage class for blocks of `size` bytes, nil for an unusable policy without entries.
    public func storageClass(forBlockSize size: UInt64) -> StorageClass? {
        (entries.last { size > $0.minSize } ?? entries.first)?.storageClass
    }
}
