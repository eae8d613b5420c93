import Protocol

extension KnownValues {
    /// Takes in what an answer tells whoever asked.
    mutating func learn(_ response: AnyShardResponse, to request: AnyShardRequest) {
        switch (request, response) {
        case (.constructFile, .constructFile(let made)): learn(OpenFile(id: made.id, cookie: made.cookie))
        case (.constructFiles, .constructFiles(let made)):
            for file in made.files { learn(OpenFile(id: file.id, cookie: file.cookie)) }
        case (.linkFile(let link), .linkFile(let linked)):
            learn(link.ownerId, link.name, link.fileId, linked.creationTime)
        case (.linkFileWithSpan(let link), .linkFileWithSpan(let linked)):
            learn(link.ownerId, link.name, link.fileId, linked.creationTime)
        case (.linkFileIfUnchanged(let link), .linkFileIfUnchanged(let linked)):
            learn(link.ownerId, link.name, link.fileId, linked.creationTime)
        case (.publishFile(let link), .publishFile(let published)):
            learn(link.ownerId, link.name, link.fileId, published.creationTime)
        case (.publishFileWithAttributes(let link), .publishFileWithAttributes(let published)):
            let link = link.publication
            learn(link.ownerId, link.name, link.fileId, published.creationTime)
        case (.certifyAndPublish(let request), .certifyAndPublish(let done)):
            let link = request.publication.publication
            learn(link.ownerId, link.name, link.fileId, done.publication.creationTime)
        case (.createDirectoryInodeWithAttributes(let create), .createDirectoryInodeWithAttributes):
            learn(create.creation.id)
        case (.softUnlinkFile(let unlink), .softUnlinkFile(let unlinked)):
            learn(unlink.ownerId, unlink.name, .null, unlinked.deleteCreationTime)
            learn(unlink.ownerId, unlink.name, unlink.fileId, unlink.creationTime)
        case (.sameDirectoryRename(let rename), .sameDirectoryRename(let renamed)):
            learn(rename.dirId, rename.oldName, rename.targetId, rename.oldCreationTime)
            learn(rename.dirId, rename.newName, rename.targetId, renamed.newCreationTime)
        case (.renameWithAttributes(let request), .renameWithAttributes(let renamed)):
            let rename = request.rename
            learn(rename.dirId, rename.oldName, rename.targetId, rename.oldCreationTime)
            learn(rename.dirId, rename.newName, rename.targetId, renamed.newCreationTime)
        case (.sameDirectoryRenameSnapshot(let rename), .sameDirectoryRenameSnapshot(let renamed)):
            learn(rename.dirId, rename.newName, rename.targetId, renamed.newCreationTime)
        case (.lookup(let lookup), .lookup(let found)):
            learn(lookup.dirId, lookup.name, found.targetId, found.creationTime)
        case (.createLockedCurrentEdge(let create), .createLockedCurrentEdge(let created)):
            learn(create.dirId, create.name, create.targetId, created.creationTime)
        case (.replaceLockedDirectoryEdge(let replace), .replaceLockedDirectoryEdge(let replaced)):
            learn(replace.dirId, replace.name, replace.newTargetId, replaced.creationTime)
        case (.createDirectoryInode(let create), .createDirectoryInode): learn(create.id)
        case (.fullReadDir(let read), .fullReadDir(let page)):
            for edge in page.results.prefix(4) { learn(read.dirId, edge.name, edge.targetId.id, edge.creationTime) }
        case (.visitTransientFiles, .visitTransientFiles(let page)):
            for file in page.files.prefix(4) where cookie(of: file.id) == nil {
                learn(OpenFile(id: file.id, cookie: file.cookie))
            }
        default: learnSpans(response, request)
        }
    }

    private mutating func learn(_ directory: InodeID, _ name: [UInt8], _ target: InodeID, _ time: Timestamp) {
        learn(NamedEdge(directory: directory, name: name, target: target, time: time))
    }

    private mutating func learnSpans(_ response: AnyShardResponse, _ request: AnyShardRequest) {
        switch (request, response) {
        case (.addSpanInitiate(let span), .addSpanInitiate(let added)): learn(added, span)
        case (.addSpanInitiateWithReference(let span), .addSpanInitiateWithReference(let added)):
            learn(added.resp, span.req)
        case (.addSpanAtLocationInitiate(let span), .addSpanAtLocationInitiate(let added)):
            learn(added.resp, span.req.req)
        case (.addInlineSpan(let span), .addInlineSpan):
            setEnd(of: span.fileId, to: (span.byteOffset &+ UInt64(span.size) &+ 4095) & ~4095)
            learn(KnownSpan(file: span.fileId, byteOffset: span.byteOffset, blocks: []))
        case (.referSpans(let refer), .referSpans(let referred)):
            setEnd(of: refer.fileId, to: (referred.size &+ 4095) & ~4095)
            learn(KnownSpan(file: refer.fileId, byteOffset: refer.byteOffset, blocks: []))
        case (.fileReferences, .fileReferences(let page)):
            for reference in page.references.prefix(4) { learn(reference.bodyId) }
        case (.removeSpanInitiate(let remove), .removeSpanInitiate(let removal)):
            setEnd(of: remove.fileId, to: removal.byteOffset)
            let blocks = removal.blocks.map { ($0.blockServiceId, $0.blockId) }
            learn(KnownSpan(file: remove.fileId, byteOffset: removal.byteOffset, blocks: blocks))
        default: break
        }
    }

    private mutating func learn(_ added: AddSpanInitiateResponse, _ span: AddSpanInitiateRequest) {
        setEnd(of: span.fileId, to: (span.byteOffset &+ UInt64(span.size) &+ 4095) & ~4095)
        let blocks = added.blocks.map { ($0.blockServiceId, $0.blockId) }
        learn(KnownSpan(file: span.fileId, byteOffset: span.byteOffset, blocks: blocks, request: span))
    }
}
