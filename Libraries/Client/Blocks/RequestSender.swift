import DequeModule
import Glibc

/// Sends queued requests over a non-blocking socket: headers and data are gathered from where they lie.
struct RequestSender {
    enum Outcome {
        case sent(bytes: Int, isDone: Bool)
        case failed(code: Int32)
    }

    /// How many operations at the front of the queue were sent completely.
    private(set) var sentOperations = 0
    /// Bytes of the first unsent operation that were sent.
    private var position = 0

    private static let vectorLimit = 64
    /// Given to the kernel in one turn at most.
    private static let turnBytes = 8 << 20

    /// The first operation was answered and leaves the queue.
    mutating func forgetFirst() {
        sentOperations -= 1
    }

    mutating func send(_ operations: Deque<BlockOperation>, on descriptor: Int32) -> Outcome {
        var total = 0
        while sentOperations < operations.count {
            guard total < Self.turnBytes else { return .sent(bytes: total, isDone: false) }
            let count = withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.vectorLimit) { vectors in
                writev(descriptor, vectors.baseAddress, Int32(gather(operations, vectors)))
            }
            if count < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN || errno == EWOULDBLOCK else { return .failed(code: errno) }
                return .sent(bytes: total, isDone: false)
            }
            total += count
            advance(operations, by: count)
        }
        return .sent(bytes: total, isDone: true)
    }

    /// Fills `vectors` with what is next to be sent; answers how many were used.
    private func gather(_ operations: Deque<BlockOperation>, _ vectors: UnsafeMutableBufferPointer<iovec>) -> Int {
        var used = 0
        var skip = position
        for index in sentOperations..<operations.count {
            let operation = operations[index]
            Self.add(operation.header, &skip, vectors, &used)
            for segment in operation.payload where used < vectors.count { Self.add(segment, &skip, vectors, &used) }
            guard used < vectors.count else { break }
        }
        return used
    }

    private static func add(
        _ bytes: UnsafeRawBufferPointer, _ skip: inout Int, _ vectors: UnsafeMutableBufferPointer<iovec>,
        _ used: inout Int
    ) {
        guard skip < bytes.count else {
            skip -= bytes.count
            return
        }
        guard used < vectors.count, let base = bytes.baseAddress else { return }
        vectors[used] = iovec(iov_base: UnsafeMutableRawPointer(mutating: base + skip), iov_len: bytes.count - skip)
        used += 1
        skip = 0
    }

    private mutating func advance(_ operations: Deque<BlockOperation>, by count: Int) {
        position += count
        while sentOperations < operations.count {
            let size = operations[sentOperations].requestBytes
            guard position >= size else { return }
            position -= size
            sentOperations += 1
        }
    }
}
