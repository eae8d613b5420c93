import Protocol
import Wire

extension ShardCore {
    /// Answers a read request from its encoded body straight into the caller's buffer: what a service does with each
    /// datagram. The commonest kinds make nothing on the heap when the records are known.
    ///
    /// - Parameters:
    ///   - body: the request's body, without the kind, to its end.
    ///   - writer: gets the response's body. When this throws, what was written is meaningless.
    public func read(
        _ kind: ShardKind, _ body: UnsafeRawBufferPointer, into writer: inout WireWriter
    ) throws(ShardFailure) {
        switch kind {
        case .lookup: try fastLookup(body, &writer)
        case .statFile: try fastStatFile(body, &writer)
        case .statDirectory: try fastStatDirectory(body, &writer)
        case .statVersion: try write(try statVersion(try decode(body)), &writer)
        case .statAttributes: try write(try statAttributes(try decode(body)), &writer)
        default:
            var reader = WireReader(body)
            let request: AnyShardRequest
            do throws(DecodeError) {
                request = try AnyShardRequest.decode(kind: kind, from: &reader)
                try reader.finish()
            } catch {
                throw .undecodable(error)
            }
            try write(try read(request), &writer)
        }
    }

    private func fastLookup(
        _ body: UnsafeRawBufferPointer, _ writer: inout WireWriter
    ) throws(ShardFailure) {
        let request: LookupRequestView
        do throws(DecodeError) {
            request = try LookupRequestView(decoding: body)
        } catch {
            throw .undecodable(error)
        }
        _ = try liveDirectory(request.dirId)
        let place = EdgePlace(directory: request.dirId, hash: NameHash(of: request.name))
        let known = state.cache.edge(place, named: request.name)
        let edge =
            if let known { known } else {
                try state.currentEdge(place.directory, place.hash, [UInt8](request.name))
            }
        guard let edge else { throw .refused(.nameNotFound) }
        try write(LookupResponse(targetId: edge.target.id, creationTime: edge.creationTime), &writer)
    }

    private func fastStatFile(
        _ body: UnsafeRawBufferPointer, _ writer: inout WireWriter
    ) throws(ShardFailure) {
        let request: StatFileRequest = try decode(body)
        let file = try readableFile(request.id)
        try write(StatFileResponse(mtime: file.mtime, atime: file.atime, size: file.size), &writer)
    }

    /// A STAT_DIRECTORY response ends with the policies as they are stored.
    private func fastStatDirectory(
        _ body: UnsafeRawBufferPointer, _ writer: inout WireWriter
    ) throws(ShardFailure) {
        let request: StatDirectoryRequest = try decode(body)
        let record = try anyDirectory(request.id)
        do throws(EncodeError) {
            try writer.write(record.mtime)
            try writer.write(record.owner)
            try writer.raw(record.info)
        } catch {
            throw .state(.unencodable(error))
        }
    }

    private func decode<Request: WireValue>(_ body: UnsafeRawBufferPointer) throws(ShardFailure) -> Request {
        do throws(DecodeError) {
            return try Request(decoding: body)
        } catch {
            throw .undecodable(error)
        }
    }

    private func write(_ response: some WireValue, _ writer: inout WireWriter) throws(ShardFailure) {
        do throws(EncodeError) {
            try response.encode(into: &writer)
        } catch {
            throw .state(.unencodable(error))
        }
    }

    private func write(_ response: AnyShardResponse, _ writer: inout WireWriter) throws(ShardFailure) {
        do throws(EncodeError) {
            try response.encode(into: &writer)
        } catch {
            throw .state(.unencodable(error))
        }
    }
}
