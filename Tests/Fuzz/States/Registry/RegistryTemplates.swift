import Protocol

/// The fields of each request to the registry, one letter each, in the order of the wire. New rows go to the end.
enum RegistryTemplates {
    static let rows: [(kind: RegistryKind, fields: String)] = [
        (.createLocation, "ln"), (.renameLocation, "ln"), (.localShards, ""), (.registerShard, "pyal"),
        (.locations, ""), (.registerCdc, "rlya"), (.localCdc, ""), (.info, ""), (.setBlockServiceFlags, "bvv"),
        (.registerBlockServices, "L"), (.changedBlockServicesAtLocation, "lt"), (.shardsAtLocation, "l"),
        (.cdcAtLocation, "l"), (.registerRegistry, "rlyay"), (.registry, ""), (.allRegistryReplicas, ""),
        (.shardBlockServicesDeprecated, "v"), (.cdcReplicasDeprecated, ""), (.allShards, ""),
        (.decommissionBlockService, "b"), (.moveShardLeader, "pl"), (.clearShardInfo, "pl"), (.shardBlockServices, "v"),
        (.allCdc, ""), (.eraseDecommissionedBlock, "bqq"), (.allBlockServicesDeprecated, ""),
        (.localChangedBlockServices, "t"), (.moveCdcLeader, "rl"), (.clearCdcInfo, "rl"),
        (.updateBlockServicePath, "bn"), (.extensions, ""),
        (.defaultOwnership, ""), (.setDefaultOwnership, "uuww"), (.registerReplica, "grlTa"),
    ]

    static func body(_ fields: String, now: UInt64, _ script: inout FuzzScript) throws -> [UInt8] {
        var body = BodyWriter()
        for letter in fields {
            switch letter {
            case "l": body.integer(location(&script))
            case "n": body.counted(script.counted())
            case "p":
                body.integer(script.byte() & 7)
                body.integer(script.byte() % 6)
            case "r": body.integer(script.byte() % 6)
            case "y": body.integer(script.byte() & 1)
            case "v": body.integer(script.byte())
            case "a": try body.value(addresses(&script))
            case "b": body.integer(UInt64(script.byte() % 48))
            case "g": body.integer(UInt32(script.byte() & 7) + (script.byte() < 128 ? 0 : 252))
            case "T": body.integer(UInt64(script.byte() & 3))
            case "t": body.integer(now &- 1 << UInt64(script.byte() % 64))
            case "u": body.integer([0, 1000, .max][Int(script.byte() % 3)] as UInt32)
            case "w": body.integer(UInt16(script.byte()) << (script.byte() % 6))
            case "q": body.integer(script.word())
            case "L": try body.list((0..<Int(script.byte() % 40)).map { disk(Int(script.byte()) + $0, &script) })
            default: preconditionFailure("no such field")
            }
        }
        return body.bytes
    }

    private static func location(_ script: inout FuzzScript) -> UInt8 {
        let byte = script.byte()
        return byte < 250 ? byte % 4 : byte
    }

    private static func addresses(_ script: inout FuzzScript) -> AddrsInfo {
        let byte = script.byte()
        return AddrsInfo(
            addr1: IpPort(addrs: IPv4Address(rawValue: 0x0A00_0000 + UInt32(byte & 3)), port: UInt16(byte >> 2 & 3)),
            addr2: IpPort(addrs: IPv4Address(rawValue: 0x0A00_0000 + UInt32(byte >> 4 & 1)), port: UInt16(byte >> 5)))
    }

    /// A disk that registers: its number decides what never changes, the script the rest and, seldom, that as well.
    private static func disk(_ number: Int, _ script: inout FuzzScript) -> RegisterBlockServiceInfo {
        let id = UInt64(number % 48)
        let choice = script.byte()
        let isOdd = choice >= 0xF0
        return RegisterBlockServiceInfo(
            id: BlockServiceID(rawValue: id), locationId: LocationID(rawValue: isOdd ? choice & 3 : 0),
            addrs: addresses(&script), storageClass: StorageClass(rawValue: isOdd ? choice & 7 : 2 + UInt8(id & 1)),
            failureDomain: FailureDomain(name: "domain-\(id / 2)"),
            secretKey: SecretKey(low: id, high: isOdd ? UInt64(choice) : 0),
            flags: BlockServiceFlags(rawValue: choice), flagsMask: choice < 0x80 ? 0 : script.byte(),
            capacityBytes: 1 << 42, availableBytes: UInt64(choice & 3) << 40, blocks: UInt64(choice & 1),
            path: Array("/disk\(id)".utf8))
    }
}
