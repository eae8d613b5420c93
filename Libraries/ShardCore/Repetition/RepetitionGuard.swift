import Mutations
import Protocol

/// What the copies of a request are recognised by, whenever they come (spec F-1).
public enum RepetitionGuard: Hashable, Sendable {
    /// The coordinator's number of the request, and the number up to which it wants nothing carried out any more.
    case sequence(UInt64, closed: UInt64)
    /// The request itself, for those that come without a number; remembered for a while only.
    case request(RequestKey)
}

/// A request as its sender repeats it: the same id and the same contents.
///
/// Where it came from is no part of it, since a sender may have two addresses. Two senders with one id and one content
/// want the same thing.
public struct RequestKey: Hashable, Sendable {
    /// The id in the packet.
    public var requestID: UInt64
    /// Of kind and body; the same in every process and version.
    public var digest: UInt64

    init(requestID: UInt64, digest: UInt64) {
        self.requestID = requestID
        self.digest = digest
    }

    init(_ requestID: UInt64, _ request: AnyShardRequest) throws(ShardFailure) {
        self.requestID = requestID
        do throws(EncodeError) {
            let bytes = try encodedBytes(capacity: 1 + request.encodedSize) { (writer) throws(EncodeError) in
                try writer.write(request.kind.rawValue)
                try request.encode(into: &writer)
            }
            digest = NameHash(of: bytes).rawValue
        } catch {
            throw .state(.unencodable(error))
        }
    }
}

/// Bounds of the coordinator's numbers and of what is remembered.
enum RepetitionLimits {
    /// The numbers there are. One near the end of UInt64 would close all others for ever.
    static let sequences: ClosedRange<UInt64> = 1...1 << 62
    /// How far above the highest closed number another may be. A start of a coordinator takes 2²⁰ numbers (2³² before
    /// it had a bound to keep), and a shard of which nothing is asked hears of none: there is room for thousands of
    /// starts. What is beyond comes from no coordinator of this cluster, and would close the numbers of the real one.
    static let window: UInt64 = 1 << 48
    /// Answers remembered by number. The coordinator stays far below.
    static let executed = 65_536
    /// Requests without a number: how many are remembered, and for how long in nanoseconds of entry time.
    static let recent: UInt64 = 65_536
    static let recentNanoseconds: UInt64 = 600 * 1_000_000_000

    /// Whether a number may come with the demand to close everything up to `closed`, to a shard where everything up to
    /// `last` is closed.
    static func isPlausible(_ sequence: UInt64, closing closed: UInt64, after last: UInt64) -> Bool {
        closed < sequence && isPlausible(sequence, after: last)
    }

    /// Whether a coordinator can have got as far as this number when everything up to `last` is closed.
    static func isPlausible(_ sequence: UInt64, after last: UInt64) -> Bool {
        if Mutation.numbersHaveNoWindow.isPlanted { return sequences.contains(sequence) }
        return sequences.contains(sequence) && sequence <= min(last, sequences.upperBound) + window
    }
}

extension RepetitionGuard: WireValue {
    private enum Tag: UInt8 {
        case sequence = 1
        case request = 2
    }

    public static var minimumWireSize: Int { 17 }
    public var encodedSize: Int { 17 }

    public init(from reader: inout WireReader) throws(DecodeError) {
        guard let tag = Tag(rawValue: try reader.read()) else { throw .invalidVariant }
        let first = try reader.read(UInt64.self)
        let second = try reader.read(UInt64.self)
        switch tag {
        case .sequence: self = .sequence(first, closed: second)
        case .request: self = .request(RequestKey(requestID: first, digest: second))
        }
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        switch self {
        case .sequence(let sequence, let closed):
            try writer.write(Tag.sequence.rawValue)
            try writer.write(sequence)
            try writer.write(closed)
        case .request(let key):
            try writer.write(Tag.request.rawValue)
            try writer.write(key.requestID)
            try writer.write(key.digest)
        }
    }
}
