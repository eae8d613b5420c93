import Erasure
import EventLoop
import Glibc
import Protocol

/// Reads the answers of a block server from a non-blocking socket. Pages go straight to their destination and are
/// checked as soon as they are complete, while they are still in the processor's cache.
struct AnswerReceiver: ~Copyable {
    enum Outcome {
        /// Something was read; call again.
        case more
        /// Nothing more to be read now.
        case blocked
        /// The first operation's answer is complete.
        case answered(Result<MAC?, ClientError>)
        /// The stream cannot be used further.
        case ended(String)
    }

    private static let headerBytes = BlocksResponseHeader.size
    private static let pageBytes = ClientLimits.pageBytes
    private static let pageAndSumBytes = ClientLimits.pageBytes + 4
    /// Pages read with one system call at most; two vectors each.
    private static let pagesAtOnce = 256

    /// Header, then proof or error code.
    private let small = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 8)
    private let sums = UnsafeMutablePointer<UInt32>.allocate(capacity: pagesAtOnce)
    private let vectors = UnsafeMutablePointer<iovec>.allocate(capacity: 2 * pagesAtOnce)

    private var headerReceived = 0
    private var smallReceived = 0
    /// Bytes of pages and checksums, or of whatever else follows the header.
    private var bodyReceived = 0
    private var corruptPage: Int?
    private var mark = ReceiveMark()

    init() {}

    deinit {
        small.deallocate()
        sums.deallocate()
        vectors.deallocate()
    }

    mutating func receive(for operation: BlockOperation?, on descriptor: Int32) -> Outcome {
        if headerReceived < Self.headerBytes {
            let missing = Self.headerBytes - headerReceived
            let count = Self.retrying { read(descriptor, small + headerReceived, missing) }
            guard count > 0 else { return Self.nothing(count) }
            headerReceived += count
            guard headerReceived == Self.headerBytes else { return .more }
        }
        guard let operation else { return .ended("an answer came that nobody asked for") }
        guard UInt32(littleEndian: small.load(as: UInt32.self)) == ProtocolWord.blocksResponse.rawValue else {
            return .ended("the answer does not speak the block protocol")
        }
        let kind = small.load(fromByteOffset: 4, as: UInt8.self)
        if kind == 0 { return receiveError(operation, descriptor) }
        guard kind == operation.kind.rawValue else { return .ended("the answer is of another kind than the request") }
        switch operation.answer {
        case .none: return finish(.success(nil))
        case .proof: return receiveProof(descriptor)
        case .bytes(let destination, let count): return receiveBytes(destination, count, descriptor)
        case .pages(let destination, let bytes, let found):
            return receivePages(operation, destination, bytes, found, descriptor)
        }
    }

    // MARK: Small answers

    private mutating func receiveError(_ operation: BlockOperation, _ descriptor: Int32) -> Outcome {
        receiveSmall(2, descriptor) { bytes in
            let code = ProtocolError(rawValue: UInt16(littleEndian: bytes.loadUnaligned(as: UInt16.self)))
            return .failure(ClientError(.refused(code), "\(operation.kind) at block service \(operation.service.id)"))
        }
    }

    private mutating func receiveProof(_ descriptor: Int32) -> Outcome {
        receiveSmall(8, descriptor) { .success(MAC(rawValue: UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)))) }
    }

    private mutating func receiveSmall(
        _ size: Int, _ descriptor: Int32, _ result: (UnsafeRawPointer) -> Result<MAC?, ClientError>
    ) -> Outcome {
        let place = small + Self.headerBytes
        let count = Self.retrying { read(descriptor, place + smallReceived, size - smallReceived) }
        guard count > 0 else { return Self.nothing(count) }
        smallReceived += count
        guard smallReceived == size else { return .more }
        return finish(result(place))
    }

    // MARK: Bytes

    private mutating func receiveBytes(
        _ destination: UnsafeMutableRawPointer, _ size: Int, _ descriptor: Int32
    ) -> Outcome {
        guard bodyReceived < size else { return finish(.success(nil)) }
        let (offset, missing) = (bodyReceived, size - bodyReceived)
        let count = Self.retrying { read(descriptor, destination + offset, missing) }
        guard count > 0 else { return nothing(count, missing: missing, descriptor) }
        bodyReceived += count
        mark.received(missing: size - bodyReceived, on: descriptor)
        return bodyReceived == size ? finish(.success(nil)) : .more
    }

    // MARK: Pages

    private mutating func receivePages(
        _ operation: BlockOperation, _ destination: UnsafeMutableRawPointer, _ bytes: Int,
        _ found: UnsafeMutablePointer<UInt32>?, _ descriptor: Int32
    ) -> Outcome {
        let pages = bytes / Self.pageBytes
        let missing = pages * Self.pageAndSumBytes - bodyReceived
        guard missing > 0 else { return finishPages(operation) }
        let used = scatter(destination, pages)
        let count = Self.retrying { readv(descriptor, vectors, used) }
        guard count > 0 else { return nothing(count, missing: missing, descriptor) }
        let before = bodyReceived / Self.pageAndSumBytes
        bodyReceived += count
        mark.received(missing: missing - count, on: descriptor)
        let after = bodyReceived / Self.pageAndSumBytes
        check(destination, before..<after, found)
        return after == pages ? finishPages(operation) : .more
    }

    /// Vectors for what is to come: rest of the page under way, its checksum, next page, and so on.
    private func scatter(_ destination: UnsafeMutableRawPointer, _ pages: Int) -> Int32 {
        let first = bodyReceived / Self.pageAndSumBytes
        var offset = bodyReceived % Self.pageAndSumBytes
        var used = 0
        for page in first..<min(pages, first + Self.pagesAtOnce) {
            if offset < Self.pageBytes {
                vectors[used] = iovec(
                    iov_base: destination + page * Self.pageBytes + offset, iov_len: Self.pageBytes - offset)
                used += 1
                offset = Self.pageBytes
            }
            let slot = UnsafeMutableRawPointer(sums + page % Self.pagesAtOnce)
            let within = offset - Self.pageBytes
            vectors[used] = iovec(iov_base: slot + within, iov_len: 4 - within)
            used += 1
            offset = 0
        }
        return Int32(used)
    }

    private mutating func check(
        _ destination: UnsafeMutableRawPointer, _ pages: Range<Int>, _ found: UnsafeMutablePointer<UInt32>?
    ) {
        for page in pages {
            let sum = Castagnoli.sum(UnsafeRawPointer(destination + page * Self.pageBytes), Self.pageBytes)
            found?[page] = sum
            if sum != UInt32(littleEndian: sums[page % Self.pagesAtOnce]), corruptPage == nil { corruptPage = page }
        }
    }

    private mutating func finishPages(_ operation: BlockOperation) -> Outcome {
        guard let page = corruptPage else { return finish(.success(nil)) }
        let name = "\(operation.kind) at block service \(operation.service.id)"
        return finish(.failure(ClientError(.corruptPage, name, "page \(page) of the range")))
    }

    private mutating func finish(_ result: Result<MAC?, ClientError>) -> Outcome {
        headerReceived = 0
        smallReceived = 0
        bodyReceived = 0
        corruptPage = nil
        return .answered(result)
    }

    // MARK: System calls

    private static func retrying(_ call: () -> Int) -> Int {
        while true {
            let count = call()
            if count >= 0 || errno != EINTR { return count }
        }
    }

    /// In the midst of a body that lacks `missing` bytes.
    private mutating func nothing(_ count: Int, missing: Int, _ descriptor: Int32) -> Outcome {
        let outcome = Self.nothing(count)
        if case .blocked = outcome { mark.wait(for: missing, on: descriptor) }
        return outcome
    }

    private static func nothing(_ count: Int) -> Outcome {
        if count == 0 { return .ended("the server closed the connection") }
        if errno == EAGAIN || errno == EWOULDBLOCK { return .blocked }
        return .ended(SystemError.last("receive").description)
    }
}
