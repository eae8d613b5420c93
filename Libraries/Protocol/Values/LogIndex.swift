import Consensus
import Wire

/// On the wire: u64, below 2^61.
extension LogIndex: RawWireValue {}
