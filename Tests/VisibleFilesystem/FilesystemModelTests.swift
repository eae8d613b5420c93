import Foundation
import Testing
import VisibleFilesystem

/// What the model says of mounts, which no local filesystem has.
@Suite("The model of mounts")
struct FilesystemModelTests {
    private static let writing = Call.open(slot: 0, name: "a", access: .writes, flags: [.create])
    private static let handOver = Step(2, .handOver)
    private static let contents = Step(2, .readAll(name: "a"))

    /// What the last step of a script must answer.
    private func last(_ steps: [Step], _ capabilities: Capabilities = .mount) -> ExpectedReply? {
        var model = FilesystemModel(capabilities)
        return steps.map { model.perform($0) }.last ?? nil
    }

    private func isLast(_ right: Reply, _ steps: [Step], _ capabilities: Capabilities = .mount) -> Bool {
        guard case .reply(right) = last(steps, capabilities) else { return false }
        return true
    }

    private func alternatives(_ steps: [Step], _ capabilities: Capabilities = .mount) -> [[UInt8]?]? {
        guard case .names(let names) = last(steps, capabilities) else { return nil }
        return names.first { $0.name == "a" }?.alternatives.map { $0?.content }
    }

    @Test func anotherMountSeesAFileWhenItIsClosed() {
        let write = [Step(0, Self.writing), Step(0, .write(slot: 0, tag: 1, count: 3))]
        #expect(isLast(.failed(errno: ENOENT), write + [Self.handOver, Self.contents]))
        let bytes = Reply.bytes(Data(Pattern.bytes(1, 3)))
        #expect(isLast(bytes, write + [Step(0, .close(slot: 0)), Self.handOver, Self.contents]))
    }

    @Test func anotherMountSeesWhatWasSynchronized() {
        let script = [
            Step(0, Self.writing), Step(0, .write(slot: 0, tag: 1, count: 3)), Step(0, .fsync(slot: 0)),
            Step(0, .write(slot: 0, tag: 2, count: 3)), Self.handOver, Self.contents,
        ]
        #expect(isLast(.bytes(Data(Pattern.bytes(1, 3))), script))
        #expect(isLast(.failed(errno: ENOENT), script, .writeOnce))
    }

    @Test func afterACrashWhatWasSynchronizedIsThereOrMore() {
        let write = [Step(0, Self.writing), Step(0, .write(slot: 0, tag: 1, count: 3)), Step(0, .fsync(slot: 0))]
        let crash = Step(1, .crash)
        let (first, second) = (Pattern.bytes(1, 3), Pattern.bytes(2, 3))
        #expect(alternatives(write + [crash]) == [first])
        #expect(alternatives(write + [crash], .writeOnce) == [nil, first])
        #expect(alternatives(write + [Step(0, .write(slot: 0, tag: 2, count: 3)), crash]) == [first, first + second])
    }

    @Test func aKilledWriterLeavesNothingHalfWritten() {
        let write = [Step(0, Self.writing), Step(0, .write(slot: 0, tag: 1, count: 3))]
        #expect(alternatives(write + [Step(0, .kill)]) == [nil])
        #expect(alternatives(write + [Step(0, .fsync(slot: 0)), Step(0, .kill)]) == nil)
        // Somebody else has it open, and closes; or goes on writing before.
        let killed = write + [Step(1, .open(slot: 0, name: "a", access: .writes, flags: [])), Step(0, .kill)]
        let closed = [Step(1, .close(slot: 0)), Self.handOver, Self.contents]
        #expect(isLast(.failed(errno: ENOENT), killed + closed))
        let both = Pattern.bytes(2, 1) + Pattern.bytes(1, 3)[1...]
        #expect(isLast(.bytes(Data(both)), killed + [Step(1, .write(slot: 0, tag: 2, count: 1))] + closed))
    }

    @Test func whatIsRenamedOverAFileTakesItsPlaceWhenItIsPublished() {
        let script = [
            Step(0, Self.writing), Step(0, .write(slot: 0, tag: 1, count: 3)), Step(0, .close(slot: 0)),
            Step(0, .open(slot: 0, name: "b", access: .writes, flags: [.create])),
            Step(0, .write(slot: 0, tag: 2, count: 5)), Step(0, .rename(from: "b", to: "a", replaces: true)),
        ]
        #expect(isLast(.bytes(Data(Pattern.bytes(1, 3))), script + [Self.handOver, Self.contents]))
        #expect(alternatives(script + [Step(0, .crash)]) == [Pattern.bytes(1, 3), Pattern.bytes(2, 5)])
        #expect(
            isLast(
                .bytes(Data(Pattern.bytes(2, 5))),
                script + [Step(0, .close(slot: 0)), Self.handOver, Self.contents]))
    }

    @Test func aMappingThatOutlivesItsDescriptorIsPublishedWithIt() {
        let script = [
            Step(0, .open(slot: 0, name: "a", access: .both, flags: [.create])), Step(0, .ftruncate(slot: 0, size: 9)),
            Step(0, .map(slot: 0, descriptor: 0, offset: 0, count: 9, writes: true)), Step(0, .close(slot: 0)),
            Step(0, .store(mapping: 0, tag: 1, offset: 0, count: 9)),
        ]
        // Nobody knows yet whether the close has published it.
        #expect(last(script + [Self.handOver]) == nil)
        let bytes = Reply.bytes(Data(Pattern.bytes(1, 9)))
        #expect(isLast(bytes, script + [Step(0, .unmap(mapping: 0)), Self.handOver, Self.contents]))
    }

    @Test func whatCannotBeDoneYetIsLeftOut() {
        let finished = [Step(0, Self.writing), Step(0, .write(slot: 0, tag: 1, count: 3)), Step(0, .close(slot: 0))]
        let edit = finished + [Step(0, Self.writing), Step(0, .pwrite(slot: 0, tag: 2, count: 1, offset: 0))]
        #expect(isLast(.number(1), edit))
        #expect(last(edit, .writeOnce) == nil)
        let append = finished + [Step(0, Self.writing), Step(0, .pwrite(slot: 0, tag: 2, count: 1, offset: 3))]
        #expect(isLast(.number(1), append, .writeOnce))
    }

    @Test func whoeverFindsAHoleFindsZeros() throws {
        let script = [
            Step(0, .open(slot: 0, name: "a", access: .both, flags: [.create])),
            Step(0, .pwrite(slot: 0, tag: 1, count: 2, offset: 8192)),
        ]
        let data = try #require(last(script + [Step(0, .find(slot: 0, .data, offset: 1))]))
        #expect(data.difference(.number(8192)) == nil && data.difference(.number(4096)) == nil)
        #expect(data.difference(.number(8193)) != nil && data.difference(.failed(errno: ENXIO)) != nil)
        let hole = try #require(last(script + [Step(0, .find(slot: 0, .hole, offset: 8191))]))
        #expect(hole.difference(.number(8191)) == nil && hole.difference(.number(8194)) == nil)
        #expect(hole.difference(.number(8192)) != nil && hole.difference(.number(9000)) != nil)
    }

    @Test func scriptsComeBackFromText() throws {
        for capabilities in [Capabilities.mount, .writeOnce, .localDirectory] {
            var generator = ProgramGenerator(seed: 7, capabilities, spanBytes: 65536)
            let script = generator.script(300)
            #expect(script.count == 300)
            #expect(try Script.steps(Script.text(script)) == script)
        }
    }

    @Test func rewritesDoNoMoreWhenDoneTwice() {
        var generator = ProgramGenerator(seed: 8, .mount, spanBytes: 65536)
        let script = generator.script(300)
        for rewrite in Script.rewrites {
            let once = rewrite(script)
            #expect(rewrite(once) == once)
        }
    }
}
