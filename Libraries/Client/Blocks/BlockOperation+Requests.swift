import Protocol

extension BlockOperation {
    /// An operation for any request of the block protocol. Those have fixed sizes, so encoding them cannot fail.
    package convenience init<R: BlocksRPC>(
        _ request: R, _ service: BlockService, payload: [UnsafeRawBufferPointer] = [], answer: Answer,
        completion: @escaping Completion
    ) {
        self.init(
            kind: R.kind, service: service, headerSize: BlocksRequestHeader.size + request.encodedSize,
            payload: payload,
            answer: answer, completion: completion
        ) { writer throws(EncodeError) in
            try BlocksRequestHeader(blockService: service.id.rawValue, kind: R.kind.rawValue).encode(into: &writer)
            try request.encode(into: &writer)
        }
    }
}
