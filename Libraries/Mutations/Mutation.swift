#if STERNA_MUTATIONS
    import Glibc
#endif

/// A defect that can be planted in a core, to see whether the simulator finds it. Ordinary builds have none: there
/// `isPlanted` is a constant that the optimiser removes together with what depends on it.
public enum Mutation: String, CaseIterable, Sendable {
    // The log
    case deliversBeforeDurable
    case logIsTrimmedBeforeTheFlush
    case chainsAreNotFollowed
    case summariesAreNotWritten
    case cutEntriesAreRead
    case emptiedLogsAreNotCut
    case reportsBeforeSync
    case wrongIndexIsTold
    case refusalsTakeRoom
    case startsKeepTheLog
    case partsLoseTheirOrder
    case partsReportTheWhole
    case shortageForgetsItsBatch
    case lanesMissTheRoom

    // Consensus of one group
    case acknowledgementsOvertakeTheirWrite
    case anyFollowerVouches
    case changesOverlap
    case changesPrecedeTheTermsEntry
    case commitsExceedWhatCame
    case configurationsWaitForTheirCommit
    case cutsAreOffByOne
    case cutsKeepConfigurations
    case deliveryIsNotDurable
    case doubtsAreNotStored
    case electionsIgnoreLogs
    case forgettingIsNotNoticed
    case incarnationsAreOne
    case lateReportsOfCutWritesCount
    case leadersServeAtOnce
    case learnersAreCounted
    case leasesAreNotShortened
    case leasesAreTestedAgainstACachedClock
    case leasesBeginWithTheAnswer
    case majoritiesAreNotAwaited
    case messagesOvertakeTheHardState
    case moreIsAcknowledgedThanCame
    case oldHeartbeatsConfirmReads
    case olderTermsAreCounted
    case ownDiskIsNotAwaited
    case promisesAllowVotes
    case promisesAreNotKept
    case recoveringAreCounted
    case recoveryEndsAtACommit
    case refusedVotesRaiseTheTerm
    case restartsForgetTheirPromise
    case snapshotsDropTheTail
    case staleSnapshotsAreTaken
    case transfersKeepTheLease
    case vetoesAreIgnored
    case votesAreNotStored

    // Replicas between their logs and their peers
    case answersRenewFromNow
    case entriesBehindTheStateAreFinal
    case everybodyFounds
    case hardStatesAreNotRead
    case heldRequestsDoNotAge
    case hiddenPausesPass
    case messagesOvertakeTheirWrites
    case othersCommandsAreOurs
    case peersGetSnapshotsAtOnce
    case readsAreNotConfirmed
    case readsNeedNoLease
    case relaysAreRelayed
    case rotIsHandedOn
    case snapshotsAreBelievedUnflushed

    // What operators want of replicas
    case expelledReturn
    case passingTroubleIsTold
    case presentReplicasAreRemoved
    case wishesAreForgotten

    // The state of a group in a store
    case anyPairIsTaken
    case leftoversAreBuiltUpon
    case outdatedKeysAreRead
    case readsMissTheSwitch
    case removalSparesNothing
    case replacementsAreSeenEarly
    case switchesAreNotStored
    case viewsMove

    // Directories
    case newNamesAreNotSynced
    case shortListingsAreBelieved

    // The log on disk
    case newestRecordIsBelieved
    case newestRecordHasNoCopy
    case releasedSegmentsAreFreeAtOnce
    case segmentNamesAreNotSynced
    case unreadablePagesAreEmpty
    case unreadableSegmentsAreUsedAgain

    // The blocks of a disk
    case shortageIsTheDisks
    case refusedSegmentsAreBelieved

    // Shards
    case unlinkIgnoresCreationTime
    case unlinkIgnoresLock
    case lockIsForgotten
    case moveKeepsSource
    case replacedFileIsDisowned
    case hardUnlinkKeepsFile
    case removedDirectoryMayHaveEntries
    case mtimeStandsStill
    case timeFollowsClock
    case expiredFileIsLinked
    case linkIgnoresExpectation
    case publishingIgnoresCondition
    case numberIsLost
    case numbersAreLeftBehind
    case openNumbersAreTaken
    case filesOfARequestAreOne
    case proofsAreBelieved
    case versionsComeBackAsTheirFile
    case supersededIsNotSpared
    case attributesAreNotInherited
    case changesLeaveNoTime
    case directoryTimesStay
    case directoryTimesGoWithLocks
    case replacedProgramsKeepRights
    case replacementsInheritFromAnybody
    case foreignRightsAreForgotten
    case renamedFilesInheritNothing
    case allRenamesInherit
    case removedDirectoriesForgetTheirPlace
    case ownershipsAreListedTwice
    case ownershipsHaveNoLimit
    case kindIsForgotten
    case holesAreCountedTwice
    case sharedHolesCountAsStored
    case readsAreChanges
    case lateChangesActAgain
    case extendedAttributesAreLeftBehind
    case appliedIndexIsNotStored
    case swapForgetsIndex
    case numbersHaveNoWindow
    case hashGroupsHaveNoLimit
    case blockNumbersNeverGoBack
    case blockNumbersAreTheClock
    case youngHistoryIsRemoved
    case brokenUpFileIsOpen
    case downtimeCounts
    case sharedSpanIsNotCounted
    case sharedSpanIsCountedTwice
    case sharedSpanIsNotIndexed
    case cutIsOffByAPage

    // The registry
    case defaultOwnershipIsNotStored

    // Requests on their way through services
    case answersBeforeDurable
    case overflowForgetsItsRequest
    case someSuccessesAreRefused
    case refusalsKeepTheirChanges
    case notesStayInMemory
    case unknownDomainsAreTrusted
    case hostsAreNeverForgotten
    case wrongIndexIsDelivered
    case duplicatesAreProposed
    case unawaitedAreAnswered

    // Services
    case clockIsBelieved
    case firstAnswerIsNotAwaited
    case setClocksAreTrusted
    case foreignRequestsAreAnswered
    case anybodyMayBegin
    case portsAreNotSynced
    case setClocksDelayNothing
    case restEndsWithTheProcess

    // Clients
    case staleChainsAreBelieved
    case anyShardMakesFiles
    case troubleIsFinal
    case cutsWaitForNobody
    case staleServicesAreLost
    case failedFetchesAreRemembered
    case damagedBlocksAreAway
    case repetitionsAreForgotten
    case answersMatchByKind
    case addressesAreKept
    case publishedFilesAreStoredAgain
    case extensionsAreForgotten
    case repetitionsTakeOneWay

    // Filesystems
    case errorsAreForgotten
    case continuationReplacesAnything
    case unheardHandlesStay
    case publishingIsNotAwaited
    case outdatedWritersAreStaged
    case versionsGetNewNumbers
    case readersAreMixedUp
    case nodesAreSetApartFromThemselves
    case anybodyIsOnTheWay
    case unheardRenamesAreForgotten
    case noticesAreNotAwaited
    case programsKeepRights
    case capabilitiesGoWithTheEdit
    case capabilitiesComeBack
    case logsAreTakenOver
    case appendsJoinAnyFile
    case joinersMayDoAnything
    case newFilesReplaceAnything
    case truncationsReplaceAnything
    case editsKeepTheirNames
    case changesMeanWhatIsKnown
    case rightsAreComputedFromMemory
    case lateChangesStayBehind
    case incompleteRightsAreChanged
    case lostAnswersEndTheLook
    case lostListsLeaveTheirMask
    case anybodyGivesTheGroupsRights
    case newOwnersKeepPrograms
    case timesGoWithTheEdit
    case rightsWaitForTheEdit
    case movedEditsLoseTheirOwner
    case listsIgnoreTheMode
    case defaultListsMeetTheUmask
    case chosenTimesOutliveWrites
    case directoriesDoNotGrow
    case directoriesOnlyGrow
    case attributesOfEditsAreOverlooked
    case someFilesAreNotSynced
    case movedFilesAreSnapshots
    case oldProgramsKeepRights
    case outagesAreKeptQuiet
    case placementIsWritable
    case listingsForgetTheirPlace
    case hiddenPlacesWin
    case specialFilesAreListedAsPlain
    case stickyNamesAreTaken
    case stickyNamesAreAnybodys
    case goneFilesTakeTheirNames
    case othersGoWithReplacedFiles
    case formerOwnersGoOn
    case programsRunAsLaterOwners
    case programsRunAsLaterGroups
    case chmodsOfEditsOvertakeEachOther
    case lookupsWaitForEachOther
    case writersOutliveTheEnd
    case lateChangesFail
    case readsOfEditsWaitForNobody
    case foreverIsNoTime
    case changesOvertakeEachOther
    case pagesOvertakeChanges
    case pagesWaitForEverybody
    case lostChangesFailOneHandle
    case idleWritersHideLosses
    case stagingOutlivesTheEnd
    case takenFilesAreStored
    case refusedCopiesCount

    // Mounts
    case killingIsNotAgreed
    case capabilitiesCountEverywhere
    case unseenClosesAreWaitedFor
    case anybodyPublishesForAll
    case contentsStandBehindNames
    case killedProgramsWait
    case mountsAreMixedUp
    case readsHaveNoEnd

    // Files being written
    case sealedMemoryIsCounted
    case failedFilesKeepTheirMemory
    case fullSpansStayOpen
    case anyFullSpanIsSealed
    case patchesDuringRebuildingAreDropped
    case patchedSpansAreCopied
    case cutsForgetTheirPage
    case spoolIsBelieved
    case fullSpoolHarmsEverybody
    case everyBatchHasItsSpool
    case misfitsAreShared
    case oldPoliciesFit
    case cutsWasteRoom
    case refusedReferencesAreBelieved
    case continuedFilesRiskTheirBase
    case lostFilesForgetTheirBase
    case rebuiltFilesGetNewNumbers
    case referencesHideWrites
    case rebuildingsTakeAnyMemory

    // Between processes
    case anyKeyWillDo
    case anyLengthIsRead
    case framesMayBeReplayed
    case replacedPeersReturn
    case slowPeersTakeAnyMemory
    case strangersReplacePeers

    // The coordinator
    case loopCheckIsSkipped
    case directoriesAreMadeBare
    case movesIgnoreEachOther
    case locksExcludeNobody
    case beginIsNotAwaited
    case rollbackKeepsLock
    case destinationIsUnlockedFirst
    case reservedDirectoriesAreForgotten
    case repliesAgeByTheClock
    case coordinatorsLeapfrog
    case leadersBeginAlike
    case doubtfulFailuresAreTold
    case fullLogsForgetEntries
    case proposalsAreBelieved
    case deposedCoordinatorsAnswer
    case heldEntriesOutliveTheLeader
    case leadershipsReuseRequestIDs
    case steppingDownEndsNothing

    // The registry
    case registryBelievesProposals
    case staleLeadersRegister
    case deposedRegistriesAnswer
    case lostWritesAreConfirmed
    case lostReadsHoldTheirConnections
    case silenceBeforeALeaderCounts
    case waitingForALeaderHasNoEnd
    case missingPartsOfRepliesAreIgnored
    case theSecondWayStays

    /// The suite of unit tests that finds it, where the simulator cannot or hardly does; nil: the simulator does.
    public var unitTests: String? {
        switch self {
        // Only what is written next after a trim can harm, torn.
        case .releasedSegmentsAreFreeAtOnce: "ReplicatedLogTests.DiskFaultTests"
        case .chainsAreNotFollowed: "ReplicatedLogTests.DiskFaultTests"
        case .summariesAreNotWritten, .cutEntriesAreRead, .emptiedLogsAreNotCut: "ReplicatedLogTests.ReplicaLogTests"
        case .unreadablePagesAreEmpty, .unreadableSegmentsAreUsedAgain: "ReplicatedLogTests.UnreadableTests"
        case .outdatedKeysAreRead, .replacementsAreSeenEarly: "StoreTests.GroupModelTests"
        case .leftoversAreBuiltUpon, .switchesAreNotStored: "StoreTests.GroupCrashTests"
        case .anyPairIsTaken, .removalSparesNothing: "StoreTests.StateReplacementTests"
        case .readsMissTheSwitch: "StoreTests.GroupStoreTests"
        case .viewsMove: "StoreTests.StateViewTests"
        case .newNamesAreNotSynced, .shortListingsAreBelieved: "DirectoriesTests.DirectoryTests"
        case .shortageIsTheDisks: "BlockStoreTests.ShortageTests"
        case .refusedSegmentsAreBelieved: "BlockStoreTests.PowerCutTests"
        case .setClocksDelayNothing, .restEndsWithTheProcess: "GarbageCollectionTests.LiveClusterTests"
        case .clockIsBelieved, .firstAnswerIsNotAwaited, .setClocksAreTrusted: "ClientTests.ClockTests"
        // The core tells repetitions by itself.
        case .duplicatesAreProposed: "ShardServingTests.ShardPipelineTests"
        case .foreignRequestsAreAnswered, .portsAreNotSynced: "ShardServiceTests.PortTests"
        case .staleChainsAreBelieved: "ClientTests.PolicyChainTests"
        case .anyShardMakesFiles: "ClientTests.ForeignShardTests"
        case .troubleIsFinal, .cutsWaitForNobody, .staleServicesAreLost, .failedFetchesAreRemembered:
            "ClientTests.OutageTests"
        case .errorsAreForgotten, .continuationReplacesAnything, .unheardHandlesStay, .publishingIsNotAwaited,
            .outdatedWritersAreStaged, .versionsGetNewNumbers, .rebuiltFilesGetNewNumbers, .readersAreMixedUp,
            .noticesAreNotAwaited,
            .programsKeepRights, .capabilitiesGoWithTheEdit, .capabilitiesComeBack,
            .logsAreTakenOver, .rightsWaitForTheEdit, .movedEditsLoseTheirOwner,
            .listsIgnoreTheMode, .someFilesAreNotSynced, .movedFilesAreSnapshots, .oldProgramsKeepRights,
            .placementIsWritable, .listingsForgetTheirPlace, .hiddenPlacesWin, .specialFilesAreListedAsPlain,
            .stickyNamesAreTaken, .stickyNamesAreAnybodys, .goneFilesTakeTheirNames, .othersGoWithReplacedFiles,
            .formerOwnersGoOn,
            .programsRunAsLaterOwners, .programsRunAsLaterGroups, .chmodsOfEditsOvertakeEachOther,
            .chosenTimesOutliveWrites, .attributesOfEditsAreOverlooked, .writersOutliveTheEnd, .lateChangesFail,
            .appendsJoinAnyFile, .joinersMayDoAnything, .newFilesReplaceAnything, .truncationsReplaceAnything,
            .editsKeepTheirNames, .changesMeanWhatIsKnown, .rightsAreComputedFromMemory, .lateChangesStayBehind,
            .incompleteRightsAreChanged, .anybodyGivesTheGroupsRights, .newOwnersKeepPrograms, .timesGoWithTheEdit,
            .anybodyIsOnTheWay, .unheardRenamesAreForgotten, .changesOvertakeEachOther, .pagesOvertakeChanges,
            .pagesWaitForEverybody, .lostChangesFailOneHandle, .idleWritersHideLosses, .stagingOutlivesTheEnd,
            .takenFilesAreStored, .lostAnswersEndTheLook, .refusedCopiesCount, .directoriesDoNotGrow,
            .directoriesOnlyGrow:
            "FilesystemTests.OnCluster"
        case .nodesAreSetApartFromThemselves: "FilesystemTests.NodeTableTests"
        case .outagesAreKeptQuiet, .readsHaveNoEnd, .readsOfEditsWaitForNobody, .foreverIsNoTime:
            "FilesystemTests.OutageTests"
        case .defaultListsMeetTheUmask: "FilesystemTests.InheritanceTests"
        case .lookupsWaitForEachOther: "FilesystemTests.FakeShardTests"
        case .lostListsLeaveTheirMask: "FilesystemTests.AccessTests"
        case .mountsAreMixedUp: "MountTests.CompletionRuleTests"
        case .killingIsNotAgreed: "MountTests.FuseConnectionTests"
        case .capabilitiesCountEverywhere: "MountTests.CapabilityTests"
        case .contentsStandBehindNames: "MountTests.KernelNotificationTests"
        case .killedProgramsWait: "EndToEndTests.EndToEnd/OutageTests/signals"
        case .unseenClosesAreWaitedFor: "EndToEndTests.EndToEnd/TwoMountTests/unseenCallers"
        case .anybodyPublishesForAll: "EndToEndTests.EndToEnd/MountSessionTests/sync"
        case .patchesDuringRebuildingAreDropped, .fullSpoolHarmsEverybody, .failedFilesKeepTheirMemory,
            .everyBatchHasItsSpool:
            "ClientTests.PatchTests"
        case .misfitsAreShared, .oldPoliciesFit, .cutsWasteRoom, .refusedReferencesAreBelieved,
            .continuedFilesRiskTheirBase, .lostFilesForgetTheirBase, .referencesHideWrites:
            "ClientTests.ReferringTests"
        case .fullSpansStayOpen, .anyFullSpanIsSealed: "ClientTests.OpenFileTests"
        case .rebuildingsTakeAnyMemory, .sealedMemoryIsCounted: "ClientTests.OpenFileMemoryTests"
        case .patchedSpansAreCopied, .cutsForgetTheirPage, .spoolIsBelieved: "ClientTests.WriterModelTests"
        case .damagedBlocksAreAway: "ClientTests.FaultTests"
        case .anyKeyWillDo, .anyLengthIsRead, .framesMayBeReplayed, .replacedPeersReturn, .strangersReplacePeers:
            "PeersTests.HostileTests"
        case .slowPeersTakeAnyMemory: "PeersTests.SlowPeerTests"
        case .brokenUpFileIsOpen: "ShardCoreTests.ClockJumpTests"
        case .openNumbersAreTaken, .versionsComeBackAsTheirFile: "ShardCoreTests.FileNumberTests"
        // One seed of ten thousand finds it.
        case .unknownDomainsAreTrusted: "ShardCoreTests.MovementTests"
        case .ownershipsHaveNoLimit: "ShardCoreTests.OwnershipLimitTests"
        case .downtimeCounts: "ShardCoreTests.DowntimeTests"
        case .removedDirectoriesForgetTheirPlace: "ShardCoreTests.AttributeTests"
        case .foreignRightsAreForgotten: "ShardCoreTests.InheritanceTests"
        // One seed of two hundred finds it.
        case .doubtfulFailuresAreTold: "CoordinatorCoreTests.CrashMatrixTests"
        // There is one coordinator in it.
        case .coordinatorsLeapfrog, .leadersBeginAlike: "CoordinatorCoreTests.TwoCoordinatorTests"
        // Its coordinator and its registry have no other replicas.
        case .deposedCoordinatorsAnswer, .heldEntriesOutliveTheLeader, .leadershipsReuseRequestIDs,
            .steppingDownEndsNothing:
            "CoordinatorServingTests.CoordinatorGroupTests"
        case .deposedRegistriesAnswer, .lostWritesAreConfirmed, .lostReadsHoldTheirConnections,
            .silenceBeforeALeaderCounts, .waitingForALeaderHasNoEnd:
            "RegistryServingTests.RegistryGroupTests"
        case .hiddenPausesPass: "ReplicatedLogTests.HiddenPauseTests"
        case .missingPartsOfRepliesAreIgnored: "RegistryServingTests.RegistryRelayTests"
        case .relaysAreRelayed: "ReplicatedLogTests.RequestRouteTests"
        case .anybodyMayBegin: "ShardServiceTests.ReplicaTests"
        case .expelledReturn: "QuorumRecoveryTests.RecoveryTests"
        case .passingTroubleIsTold, .presentReplicasAreRemoved, .wishesAreForgotten:
            "ReplicasTests.ReplicaStewardTests"
        case .heldRequestsDoNotAge: "ReplicasTests.HeldDatagramsTests"
        case .staleLeadersRegister, .theSecondWayStays: "RegistryCoreTests.ReplicaTermTests"
        case .extensionsAreForgotten: "ClientTests.ExtensionTests"
        case .repetitionsTakeOneWay: "ClientTests.ServiceWaysTests"
        case .peersGetSnapshotsAtOnce: "ReplicasTests.StateFlusherTests"
        default: nil
        }
    }

    /// Whether it is in `Consensus`, so that it shows in simulations of a group and not of a whole cluster.
    public var isInConsensus: Bool { Self.consensus.contains(self) }

    /// Whether simulations of groups of replicas find it.
    public var isInReplicas: Bool { Self.replicas.contains(self) }

    /// The defects of `Consensus`: from the first to the last of their section above.
    private static let consensus = section(.acknowledgementsOvertakeTheirWrite, .votesAreNotStored)
    private static let replicas = section(.answersRenewFromNow, .snapshotsAreBelievedUnflushed)

    private static func section(_ first: Mutation, _ last: Mutation) -> Set<Mutation> {
        Set(allCases.drop { $0 != first }.prefix { $0 != last } + [last])
    }

    #if STERNA_MUTATIONS
        /// Whether this build can have defects planted.
        public static let arePossible = true
        /// The one that is planted, at first the one that `STERNA_PLANT` in the environment names. Not synchronised: set
        /// before the cores are made, never while one runs.
        public nonisolated(unsafe) static var planted = getenv("STERNA_PLANT").flatMap {
            Mutation(rawValue: String(cString: $0))
        }

        public var isPlanted: Bool { Mutation.planted == self }
    #else
        /// Whether this build can have defects planted.
        public static let arePossible = false

        @inlinable public var isPlanted: Bool { false }
    #endif
}
