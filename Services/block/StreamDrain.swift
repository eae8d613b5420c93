import Glibc

/// Throws away what a peer sends, some at a time: on the loop everybody else waits meanwhile, and a fast sender keeps
/// its socket readable for as long as it likes.
package enum StreamDrain {
    /// Bytes that are thrown away in one turn of the loop.
    package static let turnLimit = 4 << 20

    /// What became of a turn.
    package struct Drained: Equatable {
        package var count = 0
        /// The peer has finished or is gone.
        package var isEnded = false
    }

    /// Throws away at most `limit` bytes of a non-blocking TCP socket, and at most a turn's worth.
    package static func drain(_ socket: Int32, atMost limit: Int) -> Drained {
        let most = min(limit, turnLimit)
        var drained = Drained()
        while drained.count < most {
            let count = recv(socket, nil, most - drained.count, Int32(MSG_TRUNC))  // for TCP: consume without copying
            if count > 0 {
                drained.count += count
            } else if count < 0, errno == EAGAIN {
                return drained
            } else if count == 0 || errno != EINTR {
                drained.isEnded = true
                return drained
            }
        }
        return drained
    }
}
