import Client
import Glibc
import Protocol

extension Mount {
    func read(_ handle: UInt64, at offset: UInt64, count: Int) async throws(Errno) -> Answer {
        switch handles[handle] {
        case .reading(let reader)?, .sealed(let reader, _, _)?:
            return .data(try await posix { () throws(ClientError) in try await reader.read(at: offset, count: count) })
        case .constructing(let construction)?:
            return .data(try await read(construction, at: offset, count: count))
        case nil: throw .badDescriptor
        }
    }

    /// The answer to a read of a finished file, when everything is at hand.
    func readNow(_ handle: UInt64, at offset: UInt64, count: Int) -> Answer? {
        switch handles[handle] {
        case .reading(let reader)?, .sealed(let reader, _, _)?:
            reader.readNow(at: offset, count: count).map { .data($0) }
        default: nil
        }
    }

    private func read(_ construction: Construction, at offset: UInt64, count: Int) async throws(Errno) -> FileData {
        let writer = construction.writer
        if construction.state == .building {
            return try await posix { () throws(ClientError) in try await writer.read(at: offset, count: count) }
        }
        // Published meanwhile: the same bytes, from the finished file.
        if let failure = await construction.publication?.value { throw failure }
        let reader = FileReader(client: client, id: writer.id, size: construction.size)
        return try await posix { () throws(ClientError) in try await reader.read(at: offset, count: count) }
    }

    // MARK: Writing

    /// Takes the bytes at once if nothing has to be waited for; nil otherwise, with nothing taken.
    func writeNow(_ handle: UInt64, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Answer? {
        guard let construction = construction(ofHandle: handle), construction.state == .building else { return nil }
        do {
            guard try construction.writer.writeNow(bytes, at: offset) else { return nil }
        } catch {
            return .failed(Errno(error))
        }
        construction.modified = now()
        return .written(bytes.count)
    }

    func write(_ handle: UInt64, _ bytes: [UInt8], at offset: UInt64) async throws(Errno) -> Answer {
        let construction = try await writable(handle)
        let writer = construction.writer
        try await posix { () throws(ClientError) in try await writer.write(bytes, at: offset) }
        construction.modified = now()
        return .written(bytes.count)
    }

    private func writable(_ handle: UInt64) async throws(Errno) -> Construction {
        switch handles[handle] {
        case .constructing(let construction)?:
            guard construction.state == .building else { throw .sealed }
            return construction
        case .sealed(let reader, _, _)?:
            // An empty file has no contents that could be changed: the first write begins its successor.
            guard reader.size == 0, let construction = try await replaceSealed(handle) else { throw .sealed }
            return construction
        case .reading?, nil: throw .badDescriptor
        }
    }
}
