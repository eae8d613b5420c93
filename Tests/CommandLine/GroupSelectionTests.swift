import Protocol
import Testing
import sterna

@Suite struct GroupSelectionTests {
    private func numbers(_ text: String) -> [UInt32]? { GroupSelection(argument: text)?.groups.map(\.rawValue) }

    @Test func whatPeopleWrite() {
        #expect(numbers("7") == [7] && numbers("254-255") == [254, 255] && numbers("3-3") == [3])
        #expect(numbers("cdc") == [256] && numbers("registry") == [257])
        #expect(numbers("shards")?.count == 256 && numbers("all")?.count == 258)
    }

    @Test(arguments: ["", "256", "7-3", "1-2-3", "-1", "1-", "everything"])
    func whatIsNone(_ text: String) { #expect(numbers(text) == nil) }
}
