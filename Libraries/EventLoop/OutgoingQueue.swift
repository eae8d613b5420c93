import CLinux
import Glibc

/// Something to send on a stream.
enum OutgoingChunk {
    case owned(RawMemory, count: Int)
    case borrowed(UnsafeRawBufferPointer)
    case file(descriptor: Int32, offset: Int64, count: Int)

    static func copy(of bytes: UnsafeRawBufferPointer) -> OutgoingChunk {
        let memory = RawMemory(byteCount: bytes.count)
        memory.bytes.copyMemory(from: bytes)
        return .owned(memory, count: bytes.count)
    }

    var count: Int {
        switch self {
        case .owned(_, let count): count
        case .borrowed(let bytes): bytes.count
        case .file(_, _, let count): count
        }
    }

    /// Nil for a file.
    var memory: UnsafeRawBufferPointer? {
        switch self {
        case .owned(let memory, let count): UnsafeRawBufferPointer(rebasing: memory.bytes[..<count])
        case .borrowed(let bytes): bytes
        case .file: nil
        }
    }
}

/// What a stream still has to send, in order.
struct OutgoingQueue {
    private struct Entry {
        let chunk: OutgoingChunk
        let completion: ((SystemError?) -> Void)?
    }

    private var entries: [Entry] = []
    private var head = 0
    /// How much of the first entry has been sent.
    private var sentOfFirst = 0
    private(set) var unsentBytes = 0

    /// Chunks gathered into one system call.
    private static let maximumGathered = 32

    var isEmpty: Bool { head == entries.count }

    mutating func append(_ chunk: OutgoingChunk, _ completion: ((SystemError?) -> Void)?) {
        entries.append(Entry(chunk: chunk, completion: completion))
        unsentBytes += chunk.count
    }

    /// Offers the first chunks to the kernel. Returns how many bytes it took, or -errno. Not for an empty queue.
    func sendFirst(to descriptor: Int32) -> Int {
        switch entries[head].chunk {
        case .file(let file, let offset, let count):
            guard count > sentOfFirst else { return 0 }
            let sent = linux_sendfile(descriptor, file, offset + Int64(sentOfFirst), count - sentOfFirst)
            return sent == 0 ? Int(-EIO) : sent
        case .owned, .borrowed:
            return sendMemory(to: descriptor)
        }
    }

    private func sendMemory(to descriptor: Int32) -> Int {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.maximumGathered) { vectors in
            var used = 0
            while used < vectors.count, head + used < entries.count, let bytes = entries[head + used].chunk.memory {
                let skipped = used == 0 ? sentOfFirst : 0
                vectors[used] = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress.map { $0 + skipped }),
                    iov_len: bytes.count - skipped)
                used += 1
            }
            var message = msghdr()
            message.msg_iov = vectors.baseAddress
            message.msg_iovlen = used
            let isMore = head + used < entries.count
            let flags = Int(MSG_DONTWAIT) | Int(MSG_NOSIGNAL) | (isMore ? Int(MSG_MORE) : 0)
            let sent = sendmsg(descriptor, &message, Int32(flags))
            return sent < 0 ? Int(-errno) : sent
        }
    }

    /// Accounts for sent bytes. Returns the completions of what is finished, for the caller to call.
    mutating func advance(by count: Int) -> [(SystemError?) -> Void] {
        var remaining = count
        unsentBytes -= count
        var finished: [(SystemError?) -> Void] = []
        while head < entries.count, remaining >= entries[head].chunk.count - sentOfFirst {
            remaining -= entries[head].chunk.count - sentOfFirst
            sentOfFirst = 0
            if let completion = entries[head].completion { finished.append(completion) }
            head += 1
        }
        sentOfFirst += remaining
        if head == entries.count || head > 64 {
            entries.removeFirst(head)
            head = 0
        }
        return finished
    }

    /// Nothing more will be sent. Returns the completions of all that is left, for the caller to call.
    mutating func cancelAll() -> [(SystemError?) -> Void] {
        let cancelled = entries[head...].compactMap { $0.completion }
        self = OutgoingQueue()
        return cancelled
    }
}
