import Client
import Glibc
import Protocol

extension Mount {
    func read(_ handle: UInt64, at offset: UInt64, count: Int) async throws(Errno) -> Answer {
        switch handles[handle] {
        case .reading(let reader)?: return .data(try await read(reader, at: offset, count: count))
        case .sealed(let file)?: return .data(try await read(file.reader, at: offset, count: count))
        case .constructing(let construction)?:
            return .data(try await read(construction, at: offset, count: count))
        case nil: throw .badDescriptor
        }
    }

    /// The answer to a read of a finished file, when everything is at hand.
    func readNow(_ handle: UInt64, at offset: UInt64, count: Int) -> Answer? {
        switch handles[handle] {
        case .reading(let reader)?: reader.readNow(at: offset, count: count).map { .data($0) }
        case .sealed(let file)?: file.reader.readNow(at: offset, count: count).map { .data($0) }
        case .constructing?, nil: nil
        }
    }

    private func read(_ reader: FileReader, at offset: UInt64, count: Int) async throws(Errno) -> FileData {
        try await posix { () throws(ClientError) in try await reader.read(at: offset, count: count) }
    }

    private func read(_ construction: Construction, at offset: UInt64, count: Int) async throws(Errno) -> FileData {
        let writer = construction.writer
        if construction.state == .building {
            // What is stored is read from the cluster, once it is there.
            return try await patience.run { () throws(ClientError) in try await writer.read(at: offset, count: count) }
        }
        // Published meanwhile: the same bytes, from the finished file.
        try await published(construction)
        let reader = FileReader(client: client, id: construction.writer.id, size: construction.size)
        return try await read(reader, at: offset, count: count)
    }

    // MARK: Writing

    /// Takes the bytes at once if nothing has to be waited for; nil otherwise, with nothing taken.
    func writeNow(_ handle: UInt64, _ bytes: UnsafeRawBufferPointer, at offset: UInt64, appends: Bool) -> Answer? {
        guard let construction = construction(ofHandle: handle), construction.state == .building else { return nil }
        let position = position(in: construction, offset, appends)
        guard construction.failure == nil, Self.fits(bytes.count, at: position) else { return nil }
        do {
            guard try construction.writer.writeNow(bytes, at: position) else { return nil }
        } catch {
            return .failed(fail(construction, "write", Errno(error)))
        }
        wrote(construction, appends)
        return .written(bytes.count)
    }

    func write(_ handle: UInt64, _ bytes: [UInt8], at offset: UInt64, appends: Bool) async throws(Errno) -> Answer {
        let construction = try await writable(handle, at: offset, appends: appends)
        if let failure = construction.failure { throw failure }
        let position = position(in: construction, offset, appends)
        guard Self.fits(bytes.count, at: position) else { throw fail(construction, "write", .tooLarge) }
        let writer = construction.writer
        do throws(Errno) {
            try await patience.run { () throws(ClientError) in try await writer.write(bytes, at: position) }
        } catch {
            throw fail(construction, "write", error)
        }
        wrote(construction, appends)
        return .written(bytes.count)
    }

    private func wrote(_ construction: Construction, _ appends: Bool) {
        construction.modified = now()
        construction.appendsOnly = construction.appendsOnly && appends
    }

    /// Where bytes belong. What is appended goes to the end, wherever the kernel, which may know an older version,
    /// thinks that it is.
    private func position(in construction: Construction, _ offset: UInt64, _ appends: Bool) -> UInt64 {
        guard appends, construction.base != nil || construction.wasRebased, construction.size != offset else {
            return offset
        }
        construction.wasRebased = true
        return construction.size
    }

    private static func fits(_ count: Int, at offset: UInt64) -> Bool {
        offset <= largestFileBytes - UInt64(count)
    }

    /// The file under construction that a write through this handle goes to.
    private func writable(
        _ handle: UInt64, at offset: UInt64, appends: Bool
    ) async throws(Errno) -> Construction {
        switch handles[handle] {
        case .constructing(let construction)?:
            if construction.state == .building { return construction }
            // Published while somebody, such as a child process, still had it open.
            try await published(construction)
            let beginning = Beginning(
                appends: appends, isDirect: construction.isDirect, formerPlace: construction.place)
            do throws(Errno) {
                return try await continueWriting(handle, construction.number, opener: 0, at: offset, beginning)
            } catch {
                report("write", construction.place, error)
                throw error
            }
        case .sealed(let file)?:
            if let failure = file.failure { throw failure }
            let beginning = Beginning(appends: appends, isDirect: file.isDirect, formerPlace: file.place)
            do throws(Errno) {
                return try await continueWriting(handle, file.number, opener: file.opener, at: offset, beginning)
            } catch {
                throw fail(file, "write", error)
            }
        case .reading?, nil: throw .badDescriptor
        }
    }

    /// A finished file that is not large can be continued at its end (`>>`, logs): by a new file that begins with the
    /// old contents.
    private func continueWriting(
        _ handle: UInt64, _ number: UInt64, opener: Int32, at offset: UInt64, _ beginning: Beginning
    ) async throws(Errno) -> Construction {
        let node = node(number)
        if let present = node.construction, present.state == .building { return adopt(present, handle) }
        try await settle(node)
        var beginning = beginning
        beginning.keeping = try await attributes(of: node).size
        guard beginning.appends || offset >= beginning.keeping, beginning.keeping <= Self.continuableBytes else {
            throw .sealed
        }
        let creator = await creator(opener)
        if let present = node.construction, present.state == .building { return adopt(present, handle) }
        return adopt(try await replace(node, creator: creator, beginning), handle)
    }
}
