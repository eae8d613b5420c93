extension SpanRecord {
    /// How many of the span's bytes are zeros that take no room.
    var holeBytes: UInt64 { holeBytes(upTo: size) }

    /// The same of what a file shows of it that has only its first bytes.
    func holeBytes(upTo shown: UInt32) -> UInt64 {
        switch content {
        case .inline(let body):
            guard shown > body.count else { return 0 }
            // Spans of nothing but zeros keep one.
            return UInt64(shown) - (body.allSatisfy { $0 == 0 } ? 0 : UInt64(body.count))
        case .blocks(let locations):
            guard let copy = locations.first else { return 0 }
            let stored = UInt64(copy.blockSize) * UInt64(copy.parity.data)
            return UInt64(shown) - min(UInt64(shown), stored)
        }
    }
}
