import Filesystem
import Glibc
import Testing

@Suite struct InheritanceTests {
    typealias Entry = AccessControlList.Entry
    private let caller = Caller(thread: 1, user: 10, group: 20, umask: 0o027)

    private func list(_ owner: UInt16, named: UInt16, _ group: UInt16, mask: UInt16, _ others: UInt16) throws
        -> AccessControlList
    {
        try #require(
            AccessControlList([
                Entry(.owner, owner), Entry(.user, named, id: 5), Entry(.owningGroup, group), Entry(.mask, mask),
                Entry(.others, others),
            ]))
    }

    @Test func whatIsMadeIsOfWhoeverMakesIt() {
        let file = Inheritance().made(.file, mode: 0o4666, by: caller)
        #expect(file.permissions == Permissions(mode: 0o4640, user: 10, group: 20))
        #expect(file.extended.isEmpty)
        let directory = Inheritance().made(.directory, mode: 0o1777, by: caller)
        #expect(directory.permissions == Permissions(mode: 0o1750, user: 10, group: 20))
        let link = Inheritance().made(.symbolicLink, mode: 0o600, by: caller)
        #expect(link.permissions == Permissions(mode: 0o777, user: 10, group: 20))
    }

    @Test func theSetgidBitOfADirectoryGoesDown() {
        let parent = Inheritance(Permissions(mode: 0o2775, user: 1, group: 33), ExtendedAttributes())
        #expect(
            parent.made(.file, mode: 0o644, by: caller).permissions == Permissions(mode: 0o640, user: 10, group: 33))
        #expect(parent.made(.directory, mode: 0o755, by: caller).permissions.mode == 0o2750)
        #expect(parent.made(.directory, mode: 0o755, by: caller).permissions.group == 33)
        #expect(parent.made(.symbolicLink, mode: 0o777, by: caller).permissions.group == 33)
        let ordinary = Inheritance(Permissions(mode: 0o775, user: 1, group: 33), ExtendedAttributes())
        #expect(ordinary == Inheritance())
    }

    @Test func aDefaultListReplacesTheUmask() throws {
        let given = try list(7, named: 6, 5, mask: 7, 5)
        var extended = ExtendedAttributes()
        extended[ExtendedAttributes.defaultList] = given.encoded
        let parent = Inheritance(Permissions(mode: 0o755, user: 1, group: 2), extended)
        let file = parent.made(.file, mode: 0o664, by: caller)
        #expect(file.permissions.mode == 0o664)
        // What nobody asked for nobody gets: the mask has no x, and what is named keeps its bits under it.
        let own = try #require(file.extended[ExtendedAttributes.accessList].flatMap(AccessControlList.init(encoded:)))
        let expected = try list(6, named: 6, 5, mask: 6, 4)
        #expect(own == expected)
        #expect(file.extended[ExtendedAttributes.defaultList] == nil)
        let directory = parent.made(.directory, mode: 0o777, by: caller)
        #expect(directory.permissions.mode == 0o775)
        #expect(directory.extended[ExtendedAttributes.defaultList] == given.encoded)
        #expect(parent.made(.symbolicLink, mode: 0o777, by: caller).extended.isEmpty)
    }

    @Test func aDefaultListThatIsAModeLeavesNone() throws {
        let given = try #require(AccessControlList([Entry(.owner, 7), Entry(.owningGroup, 7), Entry(.others, 0)]))
        let file = Inheritance(list: given).made(.file, mode: 0o666, by: caller)
        #expect(file.permissions.mode == 0o660)
        #expect(file.extended.isEmpty)
    }

    @Test func namesOfExtendedAttributes() {
        func code(_ name: String) -> Int32 {
            do throws(FilesystemError) {
                try ExtendedAttributes.check(Array(name.utf8))
                return 0
            } catch {
                return error.code
            }
        }
        for name in [
            "user.a", "trusted.b", "security.capability", "system.posix_acl_access", "system.posix_acl_default",
        ] {
            #expect(code(name) == 0, "\(name)")
        }
        for name in ["user.", "trusted.", "security."] { #expect(code(name) == EINVAL, "\(name)") }
        for name in ["", "user", "system.other", "other.a", "Xuser.a", "system.posix_acl_accessX"] {
            #expect(code(name) == EOPNOTSUPP, "\(name)")
        }
        #expect(!ExtendedAttributes.isVisible(Array("trusted.a".utf8), to: caller))
        #expect(ExtendedAttributes.isVisible(Array("trusted.a".utf8), to: .unknown))
        #expect(ExtendedAttributes.isVisible(Array("user.a".utf8), to: caller))
    }
}
