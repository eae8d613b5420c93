import Glibc

/// How much must have come before a socket counts as readable (SO_RCVLOWAT).
///
/// A peer on the same machine sends 64 KiB at a time. To be woken for each of them costs about a twelfth of the
/// processor time that is spent by both on large answers.
///
/// The mark is never above what the answer under way still lacks: nothing else is certain to come.
struct ReceiveMark: ~Copyable {
    /// So much is worth a call. A peer that does not send it within the pool's stall time counts as stuck: with 20 s
    /// one that sends less than 13 KB/s.
    private static let mostBytes = 256 << 10
    /// Raising the mark for less is not worth a call.
    private static let fewBytes = 64 << 10

    private var bytes = 1

    /// Before waiting for what is left of an answer.
    /// - Parameter missing: bytes that will come unless the connection ends, at least 1.
    mutating func wait(for missing: Int, on descriptor: Int32) {
        guard missing >= Self.fewBytes else { return }
        set(min(missing, Self.mostBytes), on: descriptor)
    }

    /// Whenever something was read.
    /// - Parameter missing: what the answer still lacks; 0: it is complete.
    mutating func received(missing: Int, on descriptor: Int32) {
        if missing < bytes { set(1, on: descriptor) }
    }

    private mutating func set(_ wanted: Int, on descriptor: Int32) {
        guard wanted != bytes else { return }
        var value = Int32(wanted)
        // A system without this option refuses at the first time, and the mark is 1 for ever.
        guard setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            return
        }
        bytes = wanted
    }
}
