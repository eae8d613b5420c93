import Protocol

/// The answers of finished requests, oldest first, for clients whose answer got lost (spec D.7).
struct ReplyTable {
    private struct Slot {
        var sequence: UInt64
        var time: ReplyTime
        var origin: RequestOrigin
    }

    private struct Answer {
        var sequence: UInt64
        var result: Result<AnyCdcResponse, ProtocolError>
    }

    /// Much longer than any known client keeps trying (kernel: 120 s): a copy of a mkdir that the network held back for
    /// longer would make the directory again.
    static let lifetimeNanoseconds: UInt64 = 900_000_000_000
    /// Some 120 MB, reached before the lifetime only above 1,160 requests a second. At the 7,000 a second that were
    /// measured it lasts for 150 s: longer, still, than clients keep trying.
    static let capacity = 1_048_576

    private var answers: [RequestOrigin: Answer] = [:]
    private var slots: [Slot] = []
    /// Slots before this index are gone; the array is shortened now and then.
    private var first = 0
    private(set) var nextSequence: UInt64 = 0

    var count: Int { slots.count - first }

    func result(of origin: RequestOrigin) -> Result<AnyCdcResponse, ProtocolError>? {
        answers[origin]?.result
    }

    mutating func insert(_ reply: RememberedReply, at time: ReplyTime, sequence: UInt64) {
        slots.append(Slot(sequence: sequence, time: time, origin: reply.origin))
        answers[reply.origin] = Answer(sequence: sequence, result: reply.result)
        nextSequence = sequence &+ 1
    }

    /// Forgets what is too old at `time` or too much, and returns the sequence numbers of what went.
    mutating func expire(at time: ReplyTime) -> [UInt64] {
        var gone: [UInt64] = []
        while first < slots.count {
            let slot = slots[first]
            guard time.nanoseconds(since: slot.time) > Self.lifetimeNanoseconds || count > Self.capacity else { break }
            if answers[slot.origin]?.sequence == slot.sequence { answers[slot.origin] = nil }
            gone.append(slot.sequence)
            first += 1
        }
        if first > 1024 && first > slots.count / 2 {
            slots.removeFirst(first)
            first = 0
        }
        return gone
    }
}
