import Protocol
import RegistryCore
import Testing

/// Block services: registration (A.5), flags (A.6), erasing for the dead (A.9), has-files (A.10), changes (A.11).
@Suite struct BlockServiceRegistrationTests {
    @Test func aNewDiskIsKnownWithItsKey() throws {
        let registry = try RegistryHarness()
        #expect(try registry.refusal(registration(disk(1), disk(2, domain: "b", storageClass: .flash))) == nil)
        let row = try registry.blockService(2)
        #expect(row.storageClass == .flash && row.failureDomain == FailureDomain(name: "b"))
        #expect(row.secretKey == SecretKey(low: 2, high: ~2))
        #expect(row.flags == [] && row.lastSeen == registry.now && row.flagsLastChanged == registry.now)
        guard case .info(let info) = try registry.read(.info(InfoRequest())) else { throw UnexpectedAnswer() }
        #expect(info.numBlockServices == 2 && info.numFailureDomains == 2)
        #expect(info.capacity == 2 << 42 && info.available == 2 << 40)
    }

    @Test func heartbeatsUpdateCapacityAndKeepTheChangeTime() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1)))
        let first = registry.now
        registry.advance(seconds: 60)
        try registry.write(registration(disk(1, available: 77, blocks: 5, path: "/new")))
        let row = try registry.blockService(1)
        #expect(row.availableBytes == 77 && row.blocks == 5 && row.path == Array("/new".utf8))
        #expect(row.lastSeen == registry.now && row.flagsLastChanged == first)
        registry.advance(seconds: 60)
        try registry.write(registration(disk(1, port: 2000)))
        #expect(try registry.blockService(1).flagsLastChanged == registry.now, "the address changed")
    }

    @Test func impossibleDisksAreRefused() throws {
        let registry = try RegistryHarness()
        #expect(try registry.refusal(registration(disk(0))) == .malformedRequest)
        #expect(try registry.refusal(registration(disk(1, port: 0))) == .malformedRequest)
        #expect(try registry.refusal(registration(disk(1, storageClass: .inline))) == .malformedRequest)
        #expect(try registry.refusal(registration(disk(1, location: 4))) == .locationNotFound)
        for flag in [BlockServiceFlags.stale, .decommissioned] {
            #expect(
                try registry.refusal(registration(disk(1, flags: flag, mask: flag)))
                    == .cannotRegisterDecommissionedOrStale)
        }
        #expect(try registry.blockServices().isEmpty)
        #expect(try registry.refusal(registration([])) == nil)
    }

    @Test func aDiskKeepsItsIdentity() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1)))
        let clones = [
            disk(1, domain: "z"), disk(1, storageClass: .flash), disk(1, key: SecretKey(low: 9, high: 9)),
            disk(1, host: 2),
        ]
        for clone in clones {
            #expect(try registry.refusal(registration(clone)) == .inconsistentBlockServiceRegistration)
        }
        #expect(try registry.blockService(1).addrs == addrs(1))
    }

    @Test func oneRefusedDiskDoesNotSilenceTheOthers() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1), disk(2)))
        registry.advance(seconds: 60)
        #expect(
            try registry.refusal(registration(disk(1, domain: "z"), disk(2))) == .inconsistentBlockServiceRegistration)
        #expect(try registry.blockService(2).lastSeen == registry.now)
        #expect(try registry.blockService(1).lastSeen < registry.now)
    }

    @Test func aSilentDiskMayComeBackElsewhere() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1)))
        try registry.tick()
        for _ in 0..<20 {
            registry.advance(seconds: 10)
            try registry.tick()
        }
        #expect(try registry.blockService(1).flags == .stale)
        #expect(try registry.refusal(registration(disk(1, host: 2))) == nil)
        #expect(try registry.blockService(1).flags == [])
        #expect(try registry.blockService(1).addrs == addrs(2))
    }

    @Test func registrationsMaySetTheirOwnFlags() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1, flags: [.noWrite, .noRead], mask: .noWrite)))
        #expect(try registry.blockService(1).flags == .noWrite)
        try registry.write(registration(disk(1)))
        #expect(try registry.blockService(1).flags == .noWrite, "no mask, no change")
        registry.advance(seconds: 1)
        try registry.write(registration(disk(1, mask: .noWrite)))
        #expect(try registry.blockService(1).flags == [])
        #expect(try registry.blockService(1).flagsLastChanged == registry.now)
    }

    @Test func longListsAreSplitAndAnsweredOnce() throws {
        let registry = try RegistryHarness()
        let disks = (1...200).map { disk(UInt64($0), path: String(repeating: "p", count: 200)) }
        let entries = try registry.core.prepare(registration(disks), at: registry.now)
        #expect(entries.count > 10)
        #expect(entries.allSatisfy { $0.count <= 1_400 })
        #expect(try registry.refusal(registration(disks)) == nil)
        #expect(try registry.blockServices().count == 200)
    }

    @Test func flagsFollowTheMask() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1)))
        #expect(try registry.refusal(setFlags(9, .noRead, mask: .noRead)) == .blockServiceNotFound)
        #expect(try registry.refusal(setFlags(1, [.noRead, .noWrite], mask: .noRead)) == nil)
        #expect(try registry.blockService(1).flags == .noRead)
        #expect(try registry.refusal(setFlags(1, .noWrite, mask: [.noRead, .noWrite])) == nil)
        #expect(try registry.blockService(1).flags == .noWrite)
        #expect(try registry.refusal(setFlags(1, .stale, mask: .stale)) == nil)
        #expect(try registry.blockService(1).flags == .noWrite, "only silence makes stale")
        let everything = BlockServiceFlags(rawValue: 0xFF)
        #expect(try registry.refusal(setFlags(1, [], mask: everything)) == nil)
        #expect(try registry.blockService(1).flags == [])
    }

    @Test func decommissionedIsForEver() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1)))
        try registry.write(setFlags(1, .noWrite, mask: .noWrite))
        #expect(try registry.refusal(setFlags(1, .decommissioned, mask: .decommissioned)) == nil)
        #expect(try registry.blockService(1).flags == .decommissioned)
        #expect(try registry.refusal(setFlags(1, .noRead, mask: .noRead)) == nil)
        #expect(try registry.refusal(setFlags(1, [], mask: .decommissioned)) == .cannotUnsetDecommissioned)
        #expect(try registry.refusal(registration(disk(1, host: 9, available: 5))) == nil)
        let row = try registry.blockService(1)
        #expect(row.flags == .decommissioned && row.availableBytes == 5 && row.addrs == addrs(9))
        for _ in 0..<40 {
            try registry.tick()
            registry.advance(seconds: 10)
        }
        #expect(try registry.blockService(1).flags == .decommissioned)
        guard case .info(let info) = try registry.read(.info(InfoRequest())) else { throw UnexpectedAnswer() }
        #expect(info.numBlockServices == 0 && info.capacity == 0)
    }

    @Test func pathsCanBeUpdated() throws {
        let registry = try RegistryHarness()
        let update = UpdateBlockServicePathRequest(id: BlockServiceID(rawValue: 1), newPath: Array("/b".utf8))
        #expect(try registry.refusal(.updateBlockServicePath(update)) == .blockServiceNotFound)
        try registry.write(registration(disk(1)))
        #expect(try registry.refusal(.updateBlockServicePath(update)) == nil)
        #expect(try registry.blockService(1).path == Array("/b".utf8))
    }

    @Test func erasingForADecommissionedDiskNeedsTheCertificate() throws {
        let registry = try RegistryHarness()
        let id = BlockServiceID(rawValue: 1)
        let block = BlockID(rawValue: 99)
        let key = MACKey(SecretKey(low: 1, high: ~1))
        try registry.write(registration(disk(1)))
        func erase(_ id: BlockServiceID, _ certificate: MAC) throws(ProtocolError) -> AnyRegistryResponse {
            try registry.read(
                .eraseDecommissionedBlock(
                    EraseDecommissionedBlockRequest(blockServiceId: id, blockId: block, certificate: certificate)))
        }
        let certificate = key.eraseCertificate(blockService: id, block: block)
        #expect(throws: ProtocolError.blockServiceNotFound) { try erase(id, certificate) }
        try registry.write(setFlags(1, .decommissioned, mask: .decommissioned))
        let proof = key.eraseProof(blockService: id, block: block)
        #expect(
            try erase(id, certificate) == .eraseDecommissionedBlock(EraseDecommissionedBlockResponse(proof: proof)))
        #expect(throws: ProtocolError.badCertificate) { try erase(id, proof) }
        #expect(throws: ProtocolError.blockServiceNotFound) { try erase(BlockServiceID(rawValue: 2), certificate) }
    }

    @Test func hasFilesIsRecorded() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1), disk(2)))
        try registry.apply(
            try registry.core.prepareHasFiles(
                [
                    HasFilesChange(id: BlockServiceID(rawValue: 2), hasFiles: true),
                    HasFilesChange(id: BlockServiceID(rawValue: 77), hasFiles: true),
                ], at: registry.now))
        #expect(try registry.blockService(2).hasFiles)
        #expect(try !registry.blockService(1).hasFiles)
        try registry.write(registration(disk(2)))
        #expect(try registry.blockService(2).hasFiles, "a heartbeat says nothing about files")
        try registry.restart()
        #expect(try registry.blockService(2).hasFiles)
    }

    @Test func changesAreReportedWithTheirFlags() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1), disk(2)))
        let start = registry.now
        registry.advance(seconds: 3600)
        try registry.write(registration(disk(1), disk(2)))
        try registry.write(setFlags(2, .noRead, mask: .noRead))
        #expect(try registry.changed(since: start).blockServices.count == 2)
        let later = try registry.changed(since: Timestamp(nanoseconds: start.nanoseconds + 1))
        #expect(later.blockServices.map(\.id.rawValue) == [2])
        #expect(later.blockServices[0].flags == .noRead)
        #expect(later.lastChange < registry.now && later.lastChange > start)
        #expect(throws: ProtocolError.locationNotFound) {
            try registry.read(
                .changedBlockServicesAtLocation(
                    ChangedBlockServicesAtLocationRequest(
                        locationId: LocationID(rawValue: 9), changedSince: .zero)))
        }
    }
}
