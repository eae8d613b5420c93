import Protocol

/// The fields of each request, one letter each, in the order of the wire; `ShardRequestWriter` fills them in.
///
/// `e`, `s` and `f` write nothing: they choose an edge, a span or an open file that capital letters after them tell of.
/// A kind without a row is still sent, with arbitrary fields; a row makes it likely to be carried out. New rows go to
/// the end, so that scripts keep their meaning.
enum ShardTemplates {
    static let rows: [(kind: ShardKind, fields: String)] = [
        (.lookup, "eDN"), (.statFile, "i"), (.statTransientFile, "i"), (.statDirectory, "d"), (.readDir, "dqm"),
        (.constructFile, "kz"), (.addSpanInitiate, "fA"), (.addSpanCertify, "sJCPV"), (.linkFile, "fFcdn"),
        (.softUnlinkFile, "eDXNT"), (.localFileSpans, "iowm"), (.sameDirectoryRename, "eXDNTn"), (.renameWithAttributes, "eXDNTn"),
        (.setDirectoryInfo, "dI"), (.addInlineSpan, "fL"), (.setTime, "iqq"), (.addSpanAtLocationInitiate, "fyAi"),
        (.fileSpans, "iowm"), (.addSpanLocation, "sJPBsJP"), (.scrapTransientFile, "fFc"),
        (.visitDirectories, "im"), (.visitFiles, "im"), (.visitTransientFiles, "im"), (.fullReadDir, "eDyNThm"),
        (.removeNonOwnedEdge, "eDXNT"), (.sameShardHardFileUnlink, "eDXNT"), (.removeSpanInitiate, "fFc"),
        (.removeSpanCertify, "sJCPE"), (.swapBlocks, "sJPbsJPb"), (.blockServiceFiles, "si"), (.removeInode, "i"),
        (.moveSpan, "wsJPCfFoc"), (.addSpanInitiateWithReference, "fAi"), (.removeZeroBlockServiceFiles, "qi"),
        (.swapSpans, "sJPBsJPB"), (.sameDirectoryRenameSnapshot, "eXDNTn"), (.createDirectoryInode, "xdI"),
        (.setDirectoryOwner, "xd"), (.createLockedCurrentEdge, "dniT"), (.lockCurrentEdge, "eDXTN"),
        (.unlockCurrentEdge, "eDNTXy"), (.removeOwnedSnapshotFileEdge, "eDXNT"), (.makeFileTransient, "iz"),
        (.removeDirectoryOwner, "dI"), (.shardSnapshot, "q"), (.replaceLockedDirectoryEdge, "eDNTXi"),
        (.closeSequences, "q"), (.linkFileWithSpan, "fLdn"), (.linkFileIfUnchanged, "fFcdni"),
        (.transientLifetime, ""), (.publishFile, "fLeDNyXiy"), (.publishFile, "fLdnyiiy"), (.statVersion, "iy"),
        (.referSpans, "fFcosJPR"), (.referSpans, "fFcoiqqww"), (.fileReferences, "iom"),
        (.publishFileWithAttributes, "fLeDNyXiyyypOUa"), (.publishFileWithAttributes, "fLdnyiiyyypOUa"),
        (.statAttributes, "iy"), (.extendedAttributes, "iwm"), (.setAttributes, "ia"),
        (.createDirectoryInodeWithAttributes, "xdIa"), (.constructFiles, "kzy"),
        (.certifyAndPublish, "sJCZeDNyXiyyypOUaPV"), (.certifyAndPublish, "sJCZdnyiiyyypOUaPV"),
    ]

    /// Every kind there is, for requests made of arbitrary fields.
    static let kinds = (UInt8.min...UInt8.max).compactMap(ShardKind.init(rawValue:))
}
