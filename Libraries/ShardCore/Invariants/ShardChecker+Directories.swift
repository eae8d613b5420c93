import Protocol

extension ShardChecker {
    /// S1 and S3–S10, with directories and edges side by side.
    func checkDirectories() throws(ShardStateError) {
        var directories = try cursor(.directories, StoredInode<DirectoryRecord>.init)
        var edges = try cursor(.edges, StoredEdge.init)
        while let id = Self.first(directories.current?.id, edges.current?.key.directory) {
            var record: DirectoryRecord?
            if let found = directories.current, found.id == id {
                record = found.record
                try directories.advance()
                expect(
                    id.isDirectory && id.shard == shard, .s1, at: "directory \(id)",
                    "does not belong into shard \(shard)")
                fact(.directory(id, owner: found.record.owner, info: found.record.info))
                try check(found.record.attributes, of: id, size: 0, version: found.record.mtime)
            }
            var run = EdgeRun(id, record)
            while let edge = edges.current, edge.key.directory == id {
                check(edge, &run)
                try edges.advance()
            }
            checkCounts(run)
        }
    }

    private func checkCounts(_ run: EdgeRun) {
        guard let record = run.record else {
            return expect(
                false, .s3, at: "directory \(run.directory)",
                "does not exist but has \(run.currentEdges) current and \(run.snapshotEdges) snapshot edges")
        }
        expect(
            record.currentEdges == run.currentEdges && record.snapshotEdges == run.snapshotEdges, .s3,
            at: "directory \(run.directory)",
            "counts \(record.currentEdges) current and \(record.snapshotEdges) snapshot edges, "
                + "there are \(run.currentEdges) and \(run.snapshotEdges)")
    }

    private func check(_ edge: StoredEdge, _ run: inout EdgeRun) {
        run.count(edge)
        if let owning = edge.owning { fact(.edge(owning)) }
        expect(
            edge.key.nameHash == NameHash(of: edge.key.name), .s4, at: place(edge),
            "is filed under \(edge.key.nameHash), not under the hash of its name")
        guard let record = run.record else { return }
        expect(
            record.mtime >= edge.creationTime, .s5, at: place(edge),
            "is of \(edge.creationTime), the directory was last changed at \(record.mtime)")
        if edge.key.isCurrent {
            expect(
                edge.key.directory == .root || !record.owner.isNull, .s6, at: place(edge),
                "is current in a directory that was removed")
            checkCurrent(edge, &run)
        } else {
            checkSnapshot(edge, &run)
        }
    }

    private func checkCurrent(_ edge: StoredEdge, _ run: inout EdgeRun) {
        guard let newest = run.newestHistory(before: edge.key) else { return }
        let isFine = edge.creationTime > newest.time || (newest.isMarker && edge.creationTime == newest.time)
        expect(isFine, .s7, at: place(edge), "is of \(edge.creationTime), its history goes up to \(newest.time)")
    }

    private func checkSnapshot(_ edge: StoredEdge, _ run: inout EdgeRun) {
        let previous = run.remember(edge)
        let isMarker = edge.target.id.isNull
        if let previous {
            // Equal or falling times cannot be: the key would be the same, or sort before.
            expect(!isMarker || !previous.isMarker, .s8, at: place(edge), "two deletions follow each other")
        } else {
            expect(!isMarker, .s9, at: place(edge), "a deletion without anything that was deleted")
        }
        if edge.target.flag {
            expect(
                edge.target.id.isFile, .s10, at: place(edge), "owns \(edge.target.id), which is not a file")
        }
    }

    private func place(_ edge: StoredEdge) -> String {
        let kind = edge.key.isCurrent ? "name" : "snapshot"
        return "directory \(edge.key.directory), \(kind) \(printable(edge.key.name))"
    }
}

/// A name in quotes, with everything that is not printable ASCII as `\xHH`.
package func printable(_ name: [UInt8]) -> String {
    var text = "\""
    for byte in name {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
        case 0x20..<0x7f: text += String(UnicodeScalar(byte))
        default: text += "\\x" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
    }
    return text + "\""
}
