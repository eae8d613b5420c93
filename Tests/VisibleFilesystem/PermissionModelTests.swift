import Foundation
import Testing
import VisibleFilesystem

/// What the model says of owners, modes and attributes. A local disk proves the most of it (`LocalDirectoryTests`);
/// here is what only mounts have, and what a reader wants to see written down.
@Suite("The model of permissions")
struct PermissionModelTests {
    private static func making(_ name: String = "a", mode: Int, as user: User = .root) -> [Step] {
        [
            Step(0, .open(slot: 0, name: name, access: .both, flags: [.create], mode: mode), as: user),
            Step(0, .write(slot: 0, tag: 1, count: 3), as: user),
        ]
    }

    private static let close = Step(0, .close(slot: 0))
    private static let handOver = Step(2, .handOver)

    /// What the last step of a script must answer.
    private func last(_ steps: [Step], _ capabilities: Capabilities = .mount) -> ExpectedReply? {
        var model = FilesystemModel(capabilities)
        return steps.map { model.perform($0) }.last ?? nil
    }

    private func error(_ steps: [Step], _ capabilities: Capabilities = .mount) -> Int32? {
        guard case .reply(.failed(let code)) = last(steps, capabilities) else { return nil }
        return code
    }

    /// Whether that is the mode of `a` after these steps, as a process finds it.
    private func isMode(_ mode: Int, after steps: [Step], _ process: Int = 0) -> Bool {
        let expectation = last(steps + [Step(process, .stat(name: "a"))])
        func found(_ mode: Int) -> String? {
            let now = Moment(seconds: 2_000_000_000, nanoseconds: 0)
            let status = Status(mode: mode, owner: 0, group: 0, modified: now, accessed: now)
            return expectation?.difference(.attributes(size: 3, inode: 1, status: status))
        }
        return expectation != nil && found(mode) == nil && found(mode ^ 1) != nil
    }

    @Test func aReplacementHasTheModeOfWhatItReplaces() {
        let replacement = [
            Step(0, .open(slot: 1, name: "a", access: .writes, flags: [.create, .truncate], mode: 0o644)),
            Step(0, .write(slot: 1, tag: 2, count: 3)), Step(0, .close(slot: 1)),
        ]
        let script = Self.making(mode: 0o600) + [Self.close] + replacement
        #expect(isMode(0o600, after: script))
        #expect(isMode(0o600, after: script + [Self.handOver], 2))
    }

    @Test func whatIsSetBeforeAFileIsPublishedStays() {
        let script = Self.making(mode: 0o644) + [Step(0, .chmod(.slot(0), mode: 0o751)), Self.close]
        #expect(isMode(0o751, after: script + [Self.handOver], 2))
    }

    @Test func whatIsSetWhileAFileIsWrittenHoldsElsewhereAtOnce() {
        let edit = Self.making(mode: 0o644) + [Self.close] + Self.making(mode: 0)
        let script = edit + [Step(0, .chmod(.name("a"), mode: 0o600)), Self.handOver]
        #expect(isMode(0o600, after: script, 2))
    }

    @Test func whatAWriteTakesIsTakenElsewhereWhenItIsPublished() {
        let program = Self.making(mode: 0o4777) + [Self.close]
        let write = [
            Step(0, .open(slot: 0, name: "a", access: .writes, flags: [])),
            Step(0, .pwrite(slot: 0, tag: 2, count: 1, offset: 0), as: .alice),
        ]
        #expect(isMode(0o4755, after: program))
        #expect(isMode(0o755, after: program + write))
        #expect(isMode(0o755, after: program + write + [Self.close, Self.handOver], 2))
        // What is set after the write is meant.
        let again = [Step(0, .chmod(.name("a"), mode: 0o4755)), Self.close]
        #expect(isMode(0o4755, after: program + write + again))
    }

    @Test func afterACrashAFileHasWhatWasSet() throws {
        let script = Self.making(mode: 0o644) + [Self.close, Step(0, .chmod(.name("a"), mode: 0o600))]
        guard case .names(let names) = try #require(last(script + [Step(0, .crash)])) else {
            Issue.record("nothing is said about a crash")
            return
        }
        let appearance = try #require(names.first?.alternatives.first ?? nil)
        func difference(_ mode: Int) -> String? {
            let now = Moment(seconds: 2_000_000_000, nanoseconds: 0)
            let status = Status(mode: mode, owner: 0, group: 0, modified: now, accessed: now)
            return appearance.difference(Pattern.bytes(1, 3), status, [:])
        }
        #expect(difference(0o600) == nil)
        #expect(difference(0o644) != nil)
    }

    @Test func whoHasLostAFileOwnsItThroughNoDescriptor() {
        let give = [
            Self.handOver, Step(2, .chown(.name("a"), owner: User.bob.id)), Step(0, .handOver),
        ]
        let file = Self.making(mode: 0o644, as: .alice)
        let chmod = Call.chmod(.slot(0), mode: 0o4777)
        let times = Call.setTimes(.slot(0), accessed: .at(seconds: 1, nanoseconds: 0), modified: .omit)
        let list = Call.setList(.slot(0), .access, AccessList(owner: 7, group: 7, mask: 7, others: 7))
        // Published, and open for reading.
        let open = [Self.close, Step(0, .open(slot: 0, name: "a", access: .reads, flags: []), as: .alice)]
        for call in [chmod, times, list] {
            #expect(error(file + open + give + [Step(0, call, as: .alice)]) == EPERM)
            // His kernel may not know yet whose it is.
            #expect(last(file + open + give + [Step(0, call, as: .bob)]) == nil)
            guard case .reply(.done) = last(file + open + give + [Step(0, call)]) else {
                Issue.record("\(call) is not root's to do")
                continue
            }
        }
        let touch = Call.setTimes(.slot(0), accessed: .now, modified: .now)
        #expect(last(file + open + give + [Step(0, touch, as: .alice)]) == nil)
    }

    @Test func othersMayNotDoWhatOwnersMay() {
        let file = Self.making(mode: 0o640, as: .alice) + [Self.close]
        #expect(error(file + [Step(0, .readAll(name: "a"), as: .bob)]) == EACCES)
        #expect(error(file + [Step(0, .chmod(.name("a"), mode: 0o666), as: .bob)]) == EPERM)
        #expect(error(file + [Step(0, .chown(.name("a"), owner: User.bob.id), as: .alice)]) == EPERM)
        #expect(error(file + [Step(0, .chown(.name("a"), group: User.bob.group), as: .alice)]) == EPERM)
        let shared = file + [Step(0, .chown(.name("a"), group: User.sharedGroup), as: .alice)]
        #expect(error(shared + [Step(0, .readAll(name: "a"), as: .bob)]) == nil)
        let sticky = file + [Step(0, .chmod(.name("."), mode: 0o1777)), Step(0, .unlink(name: "a"), as: .bob)]
        #expect(error(sticky) == EPERM)
        let closed = file + [Step(0, .chmod(.name("."), mode: 0o755)), Step(0, .unlink(name: "a"), as: .alice)]
        #expect(error(closed) == EACCES)
    }

    @Test func listsAreObeyedAndMasked() {
        var list = AccessList(owner: 6, users: [User.bob.id: 6], group: 0, mask: 6, others: 0)
        let file = Self.making(mode: 0o600, as: .alice) + [Self.close]
        let reading = Step(0, .readAll(name: "a"), as: .bob)
        let writing = Step(0, .open(slot: 1, name: "a", access: .writes, flags: []), as: .bob)
        let listed = file + [Step(0, .setList(.name("a"), .access, list), as: .alice)]
        #expect(error(listed + [writing]) == nil)
        let masked = listed + [Step(0, .chmod(.name("a"), mode: 0o640), as: .alice)]
        #expect(error(masked + [reading]) == nil)
        #expect(error(masked + [writing]) == EACCES)
        list.mask = 4
        guard case .reply(.extended(let all)) = last(masked + [Step(0, .extended(.name("a")))]) else {
            Issue.record("no list is shown")
            return
        }
        #expect(all == ["system.posix_acl_access": list.bytes])
    }

    @Test func timesBefore1970AreRefusedByMountsOnly() {
        let past = TimeChoice.at(seconds: -1, nanoseconds: 0)
        let script = Self.making(mode: 0o644) + [Step(0, .setTimes(.name("a"), accessed: past, modified: .omit))]
        #expect(error(script) == EINVAL)
        #expect(error(script, .localDirectory) == nil)
    }

    @Test func aScriptWithoutUsersIsOfRoot() throws {
        let step = Step(0, .chmod(.slot(3), mode: 0o600))
        #expect(try Script.steps(#"{"call":{"chmod":{"_0":3,"mode":384}},"process":0}"#) == [step])
        #expect(Script.text([step]) == #"{"call":{"chmod":{"_0":3,"mode":384}},"process":0}"#)
    }
}
