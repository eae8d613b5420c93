import Protocol

/// Which refusals a request of a simulated client may get, with the shards and the coordinator that there are here: a
/// part of what the schema lists, since these clients know whom they ask and what is possible.
enum RefusalRules {
    static func allow(_ code: ProtocolError, of kind: ShardKind) -> Bool { codes(of: kind).contains(code) }

    static func allow(_ code: ProtocolError, of kind: CdcKind) -> Bool { codes(of: kind).contains(code) }

    /// Of whatever gives a name.
    private static let givingName: Set<ProtocolError> = [
        .badName, .directoryNotFound, .nameIsLocked, .cannotOverrideName,
    ]
    /// Of whatever gives a file a name; to save time it is asked for together with the last span's certification.
    private static let naming = givingName.union([.fileNotFound, .lastSpanStateNotClean])
    private static let namingIfUnchanged = naming.union([.mismatchingTarget])
    private static let attributes: Set<ProtocolError> = [.attributeNotFound, .attributeExists, .attributesTooLarge]
    /// Of whatever takes a name away that its client has seen.
    private static let removal: Set<ProtocolError> = [
        .directoryNotFound, .edgeNotFound, .mismatchingCreationTime, .mismatchingTarget, .edgeIsLocked,
    ]
    /// Of whatever takes history away.
    private static let collection: Set<ProtocolError> = [
        .directoryNotFound, .edgeNotFound, .edgeNotOwned, .mismatchingTarget, .fileNotFound, .deadlineNotPassed,
    ]
    /// Asked for together with the certification of the span before.
    private static let newSpan: Set<ProtocolError> = [
        .fileNotFound, .spanNotFound, .couldNotPickBlockServices, .lastSpanStateNotClean,
    ]
    private static let proofs: Set<ProtocolError> = [.fileNotFound, .spanNotFound, .badBlockProof]

    private static func codes(of kind: ShardKind) -> Set<ProtocolError> {
        switch kind {
        case .lookup: [.directoryNotFound, .nameNotFound]
        case .statDirectory, .readDir, .fullReadDir, .setDirectoryInfo: [.directoryNotFound]
        case .statFile, .statVersion, .statTransientFile, .localFileSpans, .fileSpans,
            .scrapTransientFile, .setTime:
            [.fileNotFound]
        case .statAttributes, .extendedAttributes: [.fileNotFound, .directoryNotFound]
        case .setAttributes: attributes.union([.fileNotFound, .directoryNotFound])
        case .addSpanInitiate, .addSpanInitiateWithReference: newSpan
        case .addInlineSpan: [.fileNotFound, .spanNotFound]
        case .addSpanCertify, .removeSpanCertify: proofs
        case .linkFile, .linkFileWithSpan: naming
        case .linkFileIfUnchanged, .publishFile: namingIfUnchanged
        case .publishFileWithAttributes: namingIfUnchanged.union(attributes)
        case .certifyAndPublish: namingIfUnchanged.union(attributes).union(proofs)
        case .softUnlinkFile: removal
        case .sameDirectoryRename, .renameWithAttributes:
            removal.union(givingName).union([.fileNotFound, .sameSourceAndDestination])
        case .sameDirectoryRenameSnapshot: removal.union(givingName).union([.fileNotFound, .edgeNotOwned])
        case .removeNonOwnedEdge, .sameShardHardFileUnlink: collection
        case .removeSpanInitiate: [.fileNotFound, .fileEmpty, .deadlineNotPassed]
        case .removeInode:
            [.fileNotFound, .deadlineNotPassed, .directoryNotFound, .directoryHasOwner, .directoryNotEmpty]
        case .moveSpan: [.fileNotFound, .spanNotFound]
        // What is lost may have ended with a span that nobody certified.
        case .referSpans: [.fileNotFound, .spanNotFound, .lastSpanStateNotClean]
        case .swapBlocks:
            [
                .fileNotFound, .spanNotFound, .blockNotFound, .swapBlocksDuplicateFailureDomain,
                .couldNotPickBlockServices,
            ]
        // Of a span that is cut where its file ends the whole is stored.
        case .swapSpans: [.fileNotFound, .spanNotFound, .swapSpansMismatchingBlocks, .swapSpansMismatchingSize]
        default: []
        }
    }

    private static func codes(of kind: CdcKind) -> Set<ProtocolError> {
        switch kind {
        case .makeDirectory, .makeDirectoryExclusive: givingName
        case .makeDirectoryWithAttributes: givingName.union(attributes)
        case .renameFile: renaming
        case .renameDirectory: renaming.union([.loopInDirectoryRename])
        case .replaceDirectory: renaming.union([.loopInDirectoryRename, .directoryNotEmpty, .sameSourceAndDestination])
        case .softUnlinkDirectory: removal.union([.directoryNotEmpty])
        case .hardUnlinkDirectory: [.directoryNotFound, .directoryHasOwner, .directoryNotEmpty]
        case .crossShardHardUnlinkFile: collection
        default: []
        }
    }

    private static let renaming = removal.subtracting([.directoryNotFound]).union([
        .badName, .nameIsLocked, .cannotOverrideName, .oldDirectoryNotFound, .newDirectoryNotFound,
    ])
}
