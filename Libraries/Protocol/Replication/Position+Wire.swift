import Consensus
import Wire

/// The index, then the term.
extension Position: FixedWireValue {
    public static var wireSize: Int { 16 }

    public init(loading bytes: UnsafeRawPointer) {
        self.init(index: LogIndex(loading: bytes), term: Term(loading: bytes + 8))
    }

    public func store(to bytes: UnsafeMutableRawPointer) {
        index.store(to: bytes)
        term.store(to: bytes + 8)
    }
}
