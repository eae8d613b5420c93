/// Who belongs to a group. It is an entry of the log, and in force as soon as it is appended.
public struct Configuration: Hashable, Sendable {
    public struct Seat: Hashable, Sendable {
        public var incarnation: Incarnation
        /// Whether it is counted; a learner only receives.
        public var isVoter: Bool
        /// The last nonce that this replica, in doubt about its log, has asked for.
        public var nonce: Nonce?

        public init(incarnation: Incarnation, isVoter: Bool, nonce: Nonce? = nil) {
            self.incarnation = incarnation
            self.isVoter = isVoter
            self.nonce = nonce
        }
    }

    /// By slot.
    private var seats = [Seat?](repeating: nil, count: ReplicaSlot.count)
    public private(set) var voters = SlotSet()
    public private(set) var learners = SlotSet()
    /// Who should lead whenever it can, as an operator has said. It changes nothing about who belongs to the group; it
    /// stands here so that all replicas know it, for good.
    public var wished: ReplicaSlot?
    /// Lives of disks that belong to a history that was given up: none is ever taken in. The newest last.
    public var expelled: [Incarnation] = []
    /// Of the rest nothing is known any more.
    public static let mostExpelled = 64

    /// Of nobody.
    public init() {}

    /// A group at its birth: one voter, by itself.
    public init(born voter: Member) {
        self[voter.slot] = Seat(incarnation: voter.incarnation, isVoter: true)
    }

    public subscript(slot: ReplicaSlot) -> Seat? {
        get { seats[slot.place] }
        set {
            seats[slot.place] = newValue
            voters.remove(slot)
            learners.remove(slot)
            guard let newValue else { return }
            if newValue.isVoter { voters.insert(slot) } else { learners.insert(slot) }
        }
    }

    public var slots: SlotSet { voters.union(learners) }

    public func member(at slot: ReplicaSlot) -> Member? {
        seats[slot.place].map { Member(slot: slot, incarnation: $0.incarnation) }
    }

    public func contains(_ member: Member) -> Bool { member.isSame(as: self.member(at: member.slot)) }

    public func isVoter(_ member: Member) -> Bool { contains(member) && voters.contains(member.slot) }

    /// Whether it is the only one that is counted.
    public func isOnlyVoter(_ member: Member) -> Bool { isVoter(member) && voters.count == 1 }
}
