import Protocol

/// How large the datagrams may be that hosts answer with. What does not fit an Ethernet frame travels in fragments, and
/// there are networks that drop those. So a request for a page of something that was sent twice in vain asks for less;
/// if that is answered, everything asks that host for less, until after a while one request tries for more again.
///
/// The caller passes the time.
package struct DatagramSizes {
    /// Fits an Ethernet frame.
    package static let whole: UInt16 = 1472
    /// So many times a request is sent before it asks for less.
    private static let patience = 2
    private static let shortestNanoseconds: UInt64 = 30_000_000_000
    private static let longestNanoseconds: UInt64 = 3_600_000_000_000

    private struct Narrow {
        /// When more is tried again.
        var untilNanoseconds: UInt64
        /// How often more was tried in vain.
        var failures = 0
        /// A request has asked for more again, and it is not known yet how that went.
        var isTrying = false

        var pause: UInt64 { min(shortestNanoseconds << UInt64(min(failures, 10)), longestNanoseconds) }
    }

    /// By address; the port makes no difference to the network.
    private var narrow: [UInt32: Narrow] = [:]

    package init() {}

    /// Whether to ask a host for no more than a whole frame.
    /// - Parameter attempt: how often the request was sent before.
    package mutating func isNarrow(_ host: UInt32, attempt: Int, now: UInt64) -> Bool {
        if attempt >= Self.patience { return true }
        guard let known = narrow[host] else { return false }
        guard known.untilNanoseconds <= now else { return true }
        // This one request tries; the others wait for how it goes.
        narrow[host]?.untilNanoseconds = now &+ known.pause
        narrow[host]?.isTrying = true
        return false
    }

    /// A host has answered with so many bytes to a request that may have asked for more and for less.
    package mutating func answered(_ host: UInt32, bytes: Int, askedForMore: Bool, askedForLess: Bool, now: UInt64) {
        if bytes > Int(Self.whole) {
            narrow[host] = nil
        } else if askedForMore, askedForLess {
            var record = narrow[host] ?? Narrow(untilNanoseconds: now, failures: -1)
            // What was under way when it was found out tells nothing new.
            guard record.isTrying || record.untilNanoseconds <= now else { return }
            record.failures += 1
            record.isTrying = false
            record.untilNanoseconds = now &+ record.pause
            narrow[host] = record
        }
    }
}

extension ShardKind {
    /// Whether the answer comes in pages, and the request ends with the largest datagram that it may fill.
    package var endsWithDatagramSize: Bool {
        switch self {
        case .readDir, .fullReadDir, .localFileSpans, .fileSpans, .visitDirectories, .visitFiles, .visitTransientFiles,
            .extendedAttributes:
            true
        default: false
        }
    }
}
