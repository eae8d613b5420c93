import Client
import Protocol
import ShardCore

extension LiveCheck {
    /// Reads one inode, puts its facts into `table` and returns what is wrong with it by itself.
    func inspect(
        _ id: InodeID, of shard: ShardID, into table: FactTable, counts: Bool
    ) async throws(ClientError) -> [Finding] {
        do throws(ClientError) {
            return id.isDirectory
                ? try await inspectDirectory(id, shard, table, counts) : try await inspectFile(id, shard, table, counts)
        } catch {
            // A shard that cannot read its own records says so: a finding, and the others are read all the same.
            guard let code = error.code else { throw error }
            if let fact = try await reader.existence(of: id) { table.insert(fact) }
            if id.isDirectory { unreadableDirectories.insert(id) }
            let effect = id.isDirectory ? "; what it names may seem to have no name" : ""
            return [
                Finding(
                    InvariantViolation.Rule.d, place: "inode \(id)", detail: "its shard answers \(code)" + effect)
            ]
        }
    }

    private func inspectDirectory(
        _ id: InodeID, _ shard: ShardID, _ table: FactTable, _ counts: Bool
    ) async throws(ClientError) -> [Finding] {
        guard let directory = try await reader.directory(id) else { return [] }
        var excerpt = ShardExcerpt(shard)
        do throws(EncodeError) {
            try excerpt.addDirectory(
                id, owner: directory.owner, mtime: directory.mtime, info: directory.info, edges: directory.edges)
        } catch {
            throw ClientError(.malformedAnswer, "FULL_READ_DIR of \(id)", "\(error)")
        }
        // Edges of different moments need not agree with each other.
        let findings = try check(excerpt, table, counts)
        return directory.isStable ? findings : []
    }

    private func inspectFile(
        _ id: InodeID, _ shard: ShardID, _ table: FactTable, _ counts: Bool
    ) async throws(ClientError) -> [Finding] {
        guard let file = try await reader.file(id) else { return [] }
        var excerpt = ShardExcerpt(shard)
        do throws(EncodeError) {
            try excerpt.addFile(id, size: file.size, isLinked: file.kind != .transient, spans: file.spans)
        } catch {
            throw ClientError(.malformedAnswer, "FILE_SPANS of \(id)", "\(error)")
        }
        var findings = try check(excerpt, table, counts, isBody: file.kind == .body)
        if counts { noteReferences(of: id, file) }
        if !file.isStable { findings = [] }
        if options.checksBlocks, file.kind != .transient { findings += try await checkBlocks(of: id, file) }
        return findings
    }

    private func noteReferences(of id: InodeID, _ file: InodeReader.File) {
        for service in file.blockServices {
            services.insert(service)
            table.insert(.span, id, at: service)
        }
    }

    private func check(
        _ excerpt: ShardExcerpt, _ table: FactTable, _ counts: Bool, isBody: Bool = false
    ) throws(ClientError) -> [Finding] {
        var findings: [Finding] = []
        do throws(ShardStateError) {
            try excerpt.check(failureDomain: { options.failureDomains[$0] }) { violation in
                findings.append(Finding(violation))
            } fact: { fact in
                // The records of an excerpt do not say so.
                if isBody, case .file(let id, .linked) = fact {
                    table.insert(.file(id, .body))
                } else {
                    table.insert(fact)
                }
                if counts { count(fact) }
            }
        } catch {
            throw ClientError(.malformedAnswer, "a check of answers", "\(error)")
        }
        return findings
    }

    /// Has the blocks of a linked file read again where they are. Disks that are said not to be readable are left out.
    private func checkBlocks(of id: InodeID, _ file: InodeReader.File) async throws(ClientError) -> [Finding] {
        var findings: [Finding] = []
        for (byteOffset, record) in file.spans {
            for location in record.locations {
                for block in location.blocks {
                    guard let service = file.services[block.service],
                        service.flags.isDisjoint(with: [.noRead, .stale, .decommissioned])
                    else { continue }
                    do throws(ClientError) {
                        try await cluster.check(
                            block.id, size: location.blockSize, crc: block.crc, at: service)
                    } catch {
                        findings.append(
                            Finding(
                                .b, place: "block \(block.id) of file \(id), span at \(byteOffset)",
                                detail: "block service \(block.service): \(error)"))
                    }
                }
            }
        }
        return findings
    }
}
