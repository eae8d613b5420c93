import Mutations
import Protocol

extension ShardCore {
    /// Applies the entry at `index`, which must follow the last applied one, and returns what to answer.
    ///
    /// Total: whatever a well-formed entry asks for, it is carried out or refused. The changes reach the store in one
    /// batch together with the index; a refused entry changes nothing but the index (T1) and what is remembered of it,
    /// a copy of an earlier one nothing but the index. Which changes these are depends on the state and the entry
    /// alone; only responses also use `blockServices`.
    ///
    /// - Throws: when the store fails or holds something unreadable. Nothing of the entry was applied then, and this
    ///   replica has to stop.
    public func apply(_ entry: ShardLogEntry, at index: LogIndex) throws(ShardStateError) -> ShardReply {
        let expected = appliedIndex.next
        guard index == expected else { throw .wrongIndex(expected: expected, got: index) }
        do throws(ShardStateError) {
            let reply = try carryOutOnce(entry)
            try state.commit(index, entry.time)
            return reply
        } catch {
            state.discard()
            throw error
        }
    }

    /// Gathers the changes that the entry asks for; none when it is refused.
    func carryOut(_ entry: ShardLogEntry) throws(ShardStateError) -> ShardReply {
        do throws(ShardFailure) {
            return .response(try perform(entry))
        } catch {
            if !Mutation.refusalsKeepTheirChanges.isPlanted { state.discard() }
            switch error {
            case .refused(let code): return .refused(code)
            case .undecodable: throw .unknownEntry
            case .state(let failure): throw failure
            }
        }
    }

    /// Decodes an entry and applies it. An entry of an unknown kind or version is `ShardStateError.unknownEntry`.
    public func apply(encoded entry: UnsafeRawBufferPointer, at index: LogIndex) throws(ShardStateError) -> ShardReply {
        let decoded: ShardLogEntry
        do throws(DecodeError) {
            decoded = try ShardLogEntry(decoding: entry)
        } catch {
            throw .unknownEntry
        }
        return try apply(decoded, at: index)
    }

    private func perform(_ entry: ShardLogEntry) throws(ShardFailure) -> AnyShardResponse {
        switch entry.action {
        case .genesis(let genesis): try begin(genesis, entry.time)
        case .addSpan(let span): try addSpan(span, entry)
        case .certifySpan(let proofs): try certifySpan(proofs, entry)
        case .certifyRemoval(let proofs): try certifyRemoval(proofs, entry.time)
        case .swapBlocks(let request, let domains): try swapBlocks(request, domains)
        case .publish(let request, let grace):
            .publishFile(try publish(request, graceNanoseconds: grace, entry))
        case .publishWithAttributes(let request, let grace, nil):
            .publishFileWithAttributes(try publish(request, graceNanoseconds: grace, entry))
        case .publishWithAttributes(let request, let grace, let proofs?):
            .certifyAndPublish(
                CertifyAndPublishResponse(
                    publication: try publish(request, certifying: proofs, graceNanoseconds: grace, entry)))
        case .bringBack(let request):
            .sameDirectoryRenameSnapshot(try resurrect(request, entry, renumbers: true))
        case .rename(let request):
            .sameDirectoryRename(
                SameDirectoryRenameResponse(newCreationTime: try rename(request, entry, inherits: true)))
        case .request(let request): try perform(request, entry)
        }
    }

    private func perform(_ request: AnyShardRequest, _ entry: ShardLogEntry) throws(ShardFailure) -> AnyShardResponse {
        let time = entry.time
        return switch request {
        case .constructFile(let request): .constructFile(try construct(request, entry))
        case .constructFiles(let request): .constructFiles(try construct(request, entry))
        case .addInlineSpan(let request): .addInlineSpan(try addInlineSpan(request, entry))
        case .linkFile(let request): .linkFile(try link(request, entry))
        case .linkFileWithSpan(let request): .linkFileWithSpan(try link(request, entry))
        case .linkFileIfUnchanged(let request): .linkFileIfUnchanged(try link(request, entry))
        case .softUnlinkFile(let request): .softUnlinkFile(try softUnlink(request, time))
        case .sameDirectoryRename(let request):
            .sameDirectoryRename(
                SameDirectoryRenameResponse(newCreationTime: try rename(request, entry, inherits: false)))
        case .renameWithAttributes(let request):
            .renameWithAttributes(
                RenameWithAttributesResponse(
                    newCreationTime: try rename(
                        request.rename, entry, inherits: Mutation.allRenamesInherit.isPlanted)))
        case .sameDirectoryRenameSnapshot(let request):
            .sameDirectoryRenameSnapshot(try resurrect(request, entry, renumbers: false))
        case .setDirectoryInfo(let request): .setDirectoryInfo(try setInfo(request, time))
        case .setTime(let request): .setTime(try setTime(request, entry))
        case .setAttributes(let request): .setAttributes(try setAttributes(request, entry))
        case .addSpanLocation(let request): .addSpanLocation(try addLocation(request, entry))
        case .scrapTransientFile(let request): .scrapTransientFile(try scrap(request, entry))
        case .removeNonOwnedEdge(let request): .removeNonOwnedEdge(try removeNonOwnedEdge(request, entry))
        case .sameShardHardFileUnlink(let request): .sameShardHardFileUnlink(try hardUnlink(request, entry))
        case .removeSpanInitiate(let request): .removeSpanInitiate(try removeLastSpan(request, entry))
        case .removeInode(let request): .removeInode(try removeInode(request, entry))
        case .moveSpan(let request): .moveSpan(try moveSpan(request, time))
        case .removeZeroBlockServiceFiles:
            // The index has a record exactly where a span has a block, so there is nothing to remove (A.8).
            .removeZeroBlockServiceFiles(
                RemoveZeroBlockServiceFilesResponse(
                    removed: 0, nextBlockService: BlockServiceID(rawValue: 0), nextFile: .null))
        case .referSpans(let request): .referSpans(try referSpans(request, entry))
        case .swapSpans(let request): .swapSpans(try swapSpans(request, entry))
        case .createDirectoryInode(let request): .createDirectoryInode(try createDirectory(request, entry))
        case .createDirectoryInodeWithAttributes(let request):
            .createDirectoryInodeWithAttributes(try createDirectory(request, entry))
        case .setDirectoryOwner(let request): .setDirectoryOwner(try setOwner(request, time))
        case .createLockedCurrentEdge(let request): .createLockedCurrentEdge(try createLockedEdge(request, entry))
        case .lockCurrentEdge(let request): .lockCurrentEdge(try lockEdge(request, time))
        case .unlockCurrentEdge(let request): .unlockCurrentEdge(try unlockEdge(request, time))
        case .replaceLockedDirectoryEdge(let request):
            .replaceLockedDirectoryEdge(try replaceLockedEdge(request, time))
        case .removeOwnedSnapshotFileEdge(let request):
            .removeOwnedSnapshotFileEdge(try removeOwnedEdge(request, entry))
        case .makeFileTransient(let request): .makeFileTransient(try makeTransient(request, entry))
        case .removeDirectoryOwner(let request): .removeDirectoryOwner(try removeOwner(request, entry))
        case .closeSequences(let request): .closeSequences(try closeSequences(request))
        // `prepare` makes no entries of these; one that is in the log all the same has no effect on any replica.
        default: throw ShardFailure.refused(.unrecognizedRequest)
        }
    }
}
