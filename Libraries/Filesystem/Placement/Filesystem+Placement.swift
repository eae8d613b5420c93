import Client
import Glibc
import Mutations
import Protocol

// What `user.sterna.*` tells: by requests that every cluster knows, whether it stores attributes or not.

extension Filesystem {
    /// Whether a name is one of the attributes that tell where something is.
    public static func tellsPlacement(_ name: [UInt8]) -> Bool { PlacementAttribute.reserves(name) }

    /// Nobody can set or remove such an attribute.
    static func checkMayChange(_ name: [UInt8]) throws(FilesystemError) {
        guard !PlacementAttribute.reserves(name) || Mutation.placementIsWritable.isPlanted else {
            throw FilesystemError(EPERM, "user.sterna.* tells where something is and can only be read")
        }
    }

    /// ENODATA: there is none of that name, nor of what is not under a name yet.
    func placement(_ name: [UInt8], of id: NodeID) async throws(FilesystemError) -> [UInt8] {
        guard let attribute = PlacementAttribute(name) else { throw .noSuchAttribute }
        if id.isSnapshot {
            // No directory's policies decide any more how it is stored.
            guard attribute != .policy else { throw .noSuchAttribute }
            return try await placement(attribute, of: id.snapshotInode, in: nil)
        }
        let node = try await met(id)
        defer { nodes.dropIfUnused(node) }
        // Of what is being written only what it is an edit of has a place.
        guard node.staged?.isNew != true else { throw .noSuchAttribute }
        return try await placement(attribute, of: node.content, in: node.place?.directory)
    }

    /// - Parameter directory: the one whose policies are a file's.
    private func placement(
        _ attribute: PlacementAttribute, of inode: InodeID, in directory: InodeID?
    ) async throws(FilesystemError) -> [UInt8] {
        switch attribute {
        case .inode: return Array(inode.description.utf8)
        case .shard: return Array(inode.shard.description.utf8)
        case .policy:
            guard let owner = inode.isDirectory ? inode : directory else { throw .noSuchAttribute }
            return try await policies(of: owner)
        case .spans(let offset): return try await stored(.init(.spans), of: inode, from: offset)
        case .blocks(let offset):
            let services = try await posix { () throws(ClientError) in try await client.blockServices() }
            let domains = Dictionary(services.map { ($0.id, $0.failureDomain) }) { $1 }
            return try await stored(.init(.blocks, domains: domains), of: inode, from: offset)
        }
    }

    private func stored(
        _ list: PlacementList, of file: InodeID, from offset: UInt64
    ) async throws(FilesystemError) -> [UInt8] {
        guard file.type == .file else { throw .noSuchAttribute }
        var (list, next) = (list, Optional(offset))
        while let start = next, !list.isFull {
            let page = try await posix { () throws(ClientError) in
                try await client.storedSpans(of: file, from: start)
            }
            for span in page.spans { list.append(span) }
            next = page.next
        }
        return list.bytes
    }

    /// Those in force, wherever they were set.
    private func policies(of directory: InodeID) async throws(FilesystemError) -> [UInt8] {
        let (write, snapshot) = try await posix { () throws(ClientError) in
            (try await client.writePolicies(of: directory), try await client.snapshotPolicy(of: directory))
        }
        var lines = write.span.entries.map { "spans up to \($0.maxSize): \($0.parity.redundancy)" }
        lines += write.block.entries.map { "blocks above \($0.minSize): \($0.storageClass)" }
        lines.append("stripes of \(write.stripe.targetStripeSize)")
        lines.append(
            "snapshots for \(snapshot.deleteAfterTime.nanoseconds.map { "\($0 / 1_000_000_000) s" } ?? "ever")")
        lines += snapshot.deleteAfterVersions.versions.map { ["snapshots of a name: \($0)"] } ?? []
        return lines.flatMap { Array("\($0)\n".utf8) }
    }
}
