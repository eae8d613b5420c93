import Protocol
import ShardCore
import Store

/// Compares on which block services files have blocks with the lists of files that shards keep for each: S19.
struct ReferenceMerge {
    private struct Reference {
        var file: InodeID
        var service: BlockServiceID
        var source: FactTable.ReferenceSource

        /// From a key of the table.
        init?(_ key: UnsafeRawBufferPointer) {
            guard key.count == 18, let source = FactTable.ReferenceSource(rawValue: key[17]) else { return nil }
            file = InodeID(rawValue: key.number(at: 1))
            service = BlockServiceID(rawValue: key.number(at: 9))
            self.source = source
        }
    }

    /// Told of each finding, with the file it is about.
    let found: (Finding, InodeID) -> Void

    func run(_ table: FactTable) throws(CheckFailure) {
        try table.finish()
        let iterator = table.store.iterator(from: [FactTable.references], upTo: [FactTable.references + 1])
        // The two of a pair lie side by side.
        var single: Reference?
        iterator.seekToFirst()
        while iterator.isValid {
            iterator.withEntry { key, _ in
                guard let reference = Reference(key) else { return }
                if let other = single, other.file == reference.file, other.service == reference.service {
                    single = nil
                } else {
                    if let single { report(single) }
                    single = reference
                }
            }
            iterator.next()
        }
        do throws(StoreError) {
            try iterator.checkStatus()
        } catch {
            throw CheckFailure("the temporary store failed: \(error)")
        }
        if let single { report(single) }
    }

    private func report(_ single: Reference) {
        // Of a symbolic link only one location was read (InodeReader), and its shard lists it for all.
        if single.source == .list, single.file.type == .symlink { return }
        let detail =
            switch single.source {
            case .span: "has blocks on block service \(single.service), in whose list of files it is missing"
            case .list: "is in the list of files of block service \(single.service), where it has no block"
            }
        found(Finding(InvariantViolation.Rule.s19, place: "file \(single.file)", detail: detail), single.file)
    }
}
