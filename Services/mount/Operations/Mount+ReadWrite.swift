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
        let construction = try await writable(handle, at: offset)
        let writer = construction.writer
        try await posix { () throws(ClientError) in try await writer.write(bytes, at: offset) }
        construction.modified = now()
        return .written(bytes.count)
    }

    /// The file under construction that a write through this handle goes to.
    private func writable(_ handle: UInt64, at offset: UInt64) async throws(Errno) -> Construction {
        switch handles[handle] {
        case .constructing(let construction)?:
            if construction.state == .building { return construction }
            // Published while somebody, such as a child process, still had it open.
            if let failure = await construction.publication?.value { throw failure }
            guard !construction.isUnlinked else { throw .sealed }
            return try await continueWriting(handle, construction.number, opener: 0, at: offset)
        case .sealed(_, let number, let opener)?:
            return try await continueWriting(handle, number, opener: opener, at: offset)
        case .reading?, nil: throw .badDescriptor
        }
    }

    /// A finished file that is not large can be continued at its end (`>>`, logs): by a new file that begins with the
    /// old contents.
    private func continueWriting(
        _ handle: UInt64, _ number: UInt64, opener: Int32, at offset: UInt64
    ) async throws(Errno) -> Construction {
        let node = node(number)
        if let present = node.construction, present.state == .building { return adopt(present, handle) }
        await settle(node)
        let size = try await attributes(of: node).size
        guard offset >= size, size <= Self.continuableBytes else { throw .sealed }
        let creator = await creator(opener)
        if let present = node.construction, present.state == .building { return adopt(present, handle) }
        return adopt(try await replace(node, creator: creator, keeping: size), handle)
    }
}
