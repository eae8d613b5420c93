/// As whom a step is done. The others share a group.
public enum User: String, Codable, CaseIterable, Sendable {
    case root, alice, bob

    public var id: Int {
        switch self {
        case .root: 0
        case .alice: 1001
        case .bob: 1002
        }
    }

    /// Of what he makes.
    public var group: Int { id }

    /// Those of which he is a member besides.
    public var otherGroups: [Int] { self == .root ? [] : [Self.sharedGroup] }

    public static let sharedGroup = 2000

    /// Root has every capability, the others have none.
    var isRoot: Bool { self == .root }

    func isIn(_ group: Int) -> Bool { group == self.group || otherGroups.contains(group) }
}

/// What somebody may do with a file: the bits of a mode.
struct Rights: OptionSet {
    let rawValue: Int

    static let execute = Rights(rawValue: 1)
    static let write = Rights(rawValue: 2)
    static let read = Rights(rawValue: 4)
    /// To change which names a directory has.
    static let changeNames: Rights = [.write, .execute]
}

/// Why a call fails.
struct Refusal: Error {
    let errno: Int32

    init(_ errno: Int32) { self.errno = errno }
}
