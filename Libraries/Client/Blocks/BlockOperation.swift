import Protocol

/// One request to a block service, from submission until its completion is called, exactly once, on the loop.
///
/// Confined to the loop. The memory that `payload` and `answer` point to must live until the completion is called; the
/// completion's captures are the usual place to keep it.
package final class BlockOperation {
    /// What follows the five bytes in front of every answer.
    package enum Answer {
        /// An eight-byte proof.
        case proof
        /// Nothing.
        case none
        /// `bytes` data bytes in pages, each followed by its checksum. The data goes to `destination`, the checksum
        /// that each page was found to have to `sums`, if that is wanted.
        case pages(destination: UnsafeMutableRawPointer, bytes: Int, sums: UnsafeMutablePointer<UInt32>? = nil)
        /// So many bytes as they are.
        case bytes(destination: UnsafeMutableRawPointer, count: Int)

        /// Data bytes that come with it.
        var byteCount: Int {
            switch self {
            case .proof, .none: 0
            case .pages(_, let bytes, _): bytes
            case .bytes(_, let count): count
            }
        }
    }

    package typealias Completion = (Result<MAC?, ClientError>) -> Void

    package let kind: BlocksKind
    package let service: BlockService
    /// Protocol word, service, kind and body. Owned memory, so that it stays in place while the kernel is given it.
    package let header: UnsafeRawBufferPointer
    package let payload: [UnsafeRawBufferPointer]
    package let answer: Answer
    /// A request on a kept connection that turns out to be closed goes once to a new one.
    package var mayRepeat = true
    /// Nobody wants its answer any more.
    package var isAbandoned = false
    /// Answers that its connection had brought when it was submitted there.
    var answersBefore = 0
    package var submittedNanoseconds: UInt64 = 0
    private var completion: Completion?

    package init(
        kind: BlocksKind, service: BlockService, headerSize: Int, payload: [UnsafeRawBufferPointer],
        answer: Answer, completion: @escaping Completion,
        encode: (inout WireWriter) throws(EncodeError) -> Void
    ) {
        self.kind = kind
        self.service = service
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: headerSize, alignment: 1)
        var writer = WireWriter(memory)
        do throws(EncodeError) {
            try encode(&writer)
        } catch {
            preconditionFailure("a request of fixed size does not fit its size: \(error)")
        }
        header = UnsafeRawBufferPointer(memory)
        self.payload = payload
        self.answer = answer
        self.completion = completion
    }

    deinit {
        header.deallocate()
    }

    /// Bytes to be sent, data included.
    package var requestBytes: Int { payload.reduce(header.count) { $0 + $1.count } }

    package func complete(_ result: Result<MAC?, ClientError>) {
        guard let completion else { return }
        self.completion = nil
        completion(result)
    }

    package func fail(_ cause: ClientError.Cause, _ detail: String) {
        complete(.failure(ClientError(cause, "\(kind) at block service \(service.id)", detail)))
    }
}
