import ArgumentParser
import Replicas
import ReplicatedLog
import Testing

@Suite struct ReplicaOptionsTests {
    private let group = LogGroupID(rawValue: 0)

    private func plan(_ arguments: String) throws -> ReplicaPlan {
        try ReplicaOptions.parse(arguments.split(separator: " ").map(String.init)).plan()
    }

    @Test func aProcessIsAloneUnlessItIsToldOfOthers() throws {
        let plan = try plan("")
        #expect(plan.isAlone && plan.place.founds(group) && plan.place.slot == .first)
    }

    @Test func othersAreNamedBySlot() throws {
        let plan = try plan("--replica 2 --peers 0=127.0.0.1:10,2=127.0.0.1:12,4=127.0.0.1:14")
        #expect(!plan.isAlone && !plan.place.founds(group) && plan.place.slot.rawValue == 2)
        #expect(plan.addresses.map { "\($0.key.rawValue) \($0.value.port)" }.sorted() == ["0 10", "2 12", "4 14"])
        #expect(try self.plan("--replica 0 --found --peers 0=127.0.0.1:10").place.founds(group))
    }

    @Test(arguments: [
        "--replica 1", "--found", "--replica 5 --peers 5=a:1", "--replica 1 --peers 0=127.0.0.1:10",
        "--peers 0=127.0.0.1:10,0=127.0.0.1:11", "--peers 127.0.0.1:10", "--peers 0=127.0.0.1", "--peers 7=127.0.0.1:1",
        "--peers 0=127.0.0.1:10,",
    ])
    func whatMakesNoSenseIsRefused(_ arguments: String) {
        #expect(throws: (any Error).self) { try plan(arguments) }
    }
}
