import Client
import Protocol
import ShardCore
import Store

/// S19: a file is in the list of every block service that it has blocks on, and in no other. Who empties a disk relies
/// on it.
extension LiveCheck {
    /// Reads the lists of files that a shard keeps for block services.
    func readReferences(of shard: ShardID) async throws(ClientError) {
        for service in services.union(options.failureDomains.keys).sorted(by: { $0.rawValue < $1.rawValue }) {
            var begin = InodeID.null
            do throws(ClientError) {
                while let last = try await readList(of: service, from: begin, shard) {
                    begin = InodeID(rawValue: last.rawValue + 1)
                }
            } catch {
                // A shard that cannot read its own records says so: a finding, and the rest is read all the same.
                guard let code = error.code else { throw error }
                unreadable.append(
                    Finding(
                        InvariantViolation.Rule.d, place: "list of files of block service \(service) in shard \(shard)",
                        detail: "its shard answers \(code)"))
            }
        }
    }

    /// Reads one page; returns its last file, nil when there is none.
    private func readList(
        of service: BlockServiceID, from begin: InodeID, _ shard: ShardID
    ) async throws(ClientError) -> InodeID? {
        let files = try await cluster.call(
            BlockServiceFilesRequest(blockServiceId: service, startFrom: begin), shard: shard
        ).fileIds
        guard files.allSatisfy({ $0 >= begin && $0.rawValue < .max }) else {
            throw ClientError(.malformedAnswer, "BLOCK_SERVICE_FILES at shard \(shard)", "the list does not advance")
        }
        for file in files { table.insert(.list, file, at: service) }
        return files.max()
    }

    /// Looks at a file and the lists that it should be in, between two looks at the file that say the same. Otherwise
    /// it is being written or moved, and nothing can be said; nor of records that cannot be read, which rule D is about.
    func readReferencesAgain(of id: InodeID) async throws(ClientError) {
        do throws(ClientError) {
            try await compareReferences(of: id)
        } catch {
            guard error.code != nil else { throw error }
        }
    }

    private func compareReferences(of id: InodeID) async throws(ClientError) {
        let before = try await reader.file(id)?.blockServices ?? []
        var listed: [BlockServiceID] = []
        for service in before.union(knownServices(of: id)) {
            let request = BlockServiceFilesRequest(blockServiceId: service, startFrom: id)
            if try await cluster.call(request, shard: id.shard).fileIds.first == id { listed.append(service) }
        }
        let after = try await reader.file(id)
        guard after?.isStable ?? true, after?.blockServices ?? [] == before else { return }
        for service in before { fresh.insert(.span, id, at: service) }
        for service in listed { fresh.insert(.list, id, at: service) }
    }

    private func knownServices(of id: InodeID) -> Set<BlockServiceID> {
        let lower = FactTable.referencesKey(id)
        let iterator = table.store.iterator(from: lower, upTo: KeyOrder.upperBound(ofPrefix: lower))
        var services: Set<BlockServiceID> = []
        iterator.seekToFirst()
        while iterator.isValid {
            iterator.withEntry { key, _ in
                if key.count == 18 { services.insert(BlockServiceID(rawValue: key.number(at: 9))) }
            }
            iterator.next()
        }
        return services
    }
}

extension InodeReader.File {
    /// Where it has blocks.
    var blockServices: Set<BlockServiceID> { Set(spans.flatMap { $0.record.allBlocks.map(\.service) }) }
}
