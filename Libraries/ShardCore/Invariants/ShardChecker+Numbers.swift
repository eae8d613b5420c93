import Protocol

extension ShardChecker {
    /// N: the number of a file leads to a linked version of it that is of this shard.
    func checkNumbers() throws(ShardStateError) {
        var numbers = try cursor(.numbers, StoredInode<NumberRecord>.init)
        while let found = numbers.current {
            let newest = found.record.newest
            let file = try value(of: keys.file(newest)).flatMap { try? FileRecord(decoding: $0) }
            expect(
                file?.number == found.id, .n, at: "file number \(found.id)",
                "leads to \(newest), which is no version of that file")
            try numbers.advance()
        }
    }

    /// N: who was a version of a file says the same of it now.
    func checkSuperseded(_ id: InodeID, _ file: TransientFileRecord) {
        guard let version = file.supersededVersion else { return }
        expect(
            version.size == file.size && file.lastSpanState == .clean, .n, at: "file \(id)",
            "is a superseded version of \(version.size) bytes and not as it was")
    }
}
