import Protocol
import RegistryServing
import Testing

struct HasFilesSurveyTests {
    private func service(_ flags: BlockServiceFlags = [], hasFiles: Bool = false) -> BlockServiceDeprecatedInfo {
        let none = AddrsInfo(
            addr1: IpPort(addrs: .loopback, port: 1), addr2: IpPort(addrs: IPv4Address(rawValue: 0), port: 0))
        return BlockServiceDeprecatedInfo(
            id: BlockServiceID(rawValue: 7), addrs: none, storageClass: .flash,
            failureDomain: FailureDomain(name: "d"), secretKey: SecretKey(low: 1, high: 2), flags: flags,
            capacityBytes: 0, availableBytes: 0, blocks: 0, path: [], lastSeen: .zero, hasFiles: hasFiles,
            flagsLastChanged: .zero)
    }

    @Test func aYesIsFoundWhereverItIsAndThenAskedForFirst() async {
        var survey = HasFilesSurvey()
        let holder = ShardID(rawValue: 201)
        var asked: [ShardID] = []
        let first = await survey.hasFiles(service(), now: 0) { _, shard in
            asked.append(shard)
            return shard == holder
        }
        #expect(first == true && asked.last == holder && Set(asked).count == asked.count)
        asked = []
        let second = await survey.hasFiles(service(), now: 1) { _, shard in
            asked.append(shard)
            return shard == holder
        }
        #expect(second == true && asked == [holder])
    }

    @Test func noIsSaidOnlyWhenEveryShardSaidIt() async {
        var survey = HasFilesSurvey()
        var asked = 0
        let complete = await survey.hasFiles(service(), now: 0) { _, _ in
            asked += 1
            return false
        }
        #expect(complete == false && asked == 256)
        for silent in [UInt8(0), 17, 255] {
            let partial = await survey.hasFiles(service(), now: 0) { _, shard in
                shard.rawValue == silent ? nil : false
            }
            #expect(partial == nil)
        }
    }

    @Test func aClusterThatIsAwayIsNotAskedForEver() async {
        var survey = HasFilesSurvey()
        var asked = 0
        let answer = await survey.hasFiles(service(hasFiles: true), now: 0) { _, _ in
            asked += 1
            return nil
        }
        #expect(answer == nil && asked < 10)
    }

    @Test func anEmptyDecommissionedDiskIsLetBeForAWhile() async {
        var survey = HasFilesSurvey()
        let retired = service(.decommissioned)
        #expect(await survey.hasFiles(retired, now: 0) { _, _ in false } == false)
        #expect(await survey.hasFiles(retired, now: 1) { _, _ in true } == nil)
        #expect(await survey.hasFiles(retired, now: 4_000_000_000_000) { _, _ in true } == true)
        // The registry has not taken the "no" in yet.
        let unsaid = service(.decommissioned, hasFiles: true)
        #expect(await survey.hasFiles(unsaid, now: 4_000_000_000_001) { _, _ in false } == false)
        #expect(await survey.hasFiles(unsaid, now: 4_000_000_000_002) { _, _ in false } == false)
    }
}
