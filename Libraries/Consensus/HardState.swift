/// What a replica must know again after a crash, besides its log.
public struct HardState: Hashable, Sendable {
    public var term: Term
    /// Whom it has voted for in this term.
    public var vote: Member?
    /// Whether the log may have lost something that was acknowledged; then it takes no part until the group has
    /// answered to this.
    public var doubt: Nonce?

    public init(term: Term = .zero, vote: Member? = nil, doubt: Nonce? = nil) {
        self.term = term
        self.vote = vote
        self.doubt = doubt
    }
}
