import BlockStore
import CLinux
import Glibc
import Protocol

/// Sends pages with their checksums as they lie in the file.
final class FetchWithChecksumsJob: BlockJob, @unchecked Sendable {
    private let offset: UInt32
    private let count: UInt32
    private var header: [UInt8]
    private let known: BlockFile?
    /// The block once it is open. The loop may look at it after a step.
    private(set) var file: BlockFile?
    /// Whether the open file could not be read to the end of the range.
    private(set) var isStale = false
    private var range = BlockFile.StoredRange.empty

    /// - Parameter known: the block, if it is open already.
    init(
        _ served: ServedDisk, _ block: BlockID, offset: UInt32, count: UInt32, header: [UInt8], known: BlockFile?
    ) {
        self.offset = offset
        self.count = count
        self.header = header
        self.known = known
        super.init(served, block)
    }

    override func step(_ socket: Int32, using chunk: PageChunk) -> Outcome {
        do throws(BlockStoreError) {
            let file = try opened()
            if let outcome = sendHeader(&header, to: socket, more: range.count > 0) { return outcome }
            return sendPages(of: file, to: socket)
        } catch {
            return .refuse(health.answer(to: error, doing: "read", block), unread: 0)
        }
    }

    private func opened() throws(BlockStoreError) -> BlockFile {
        if let file { return file }
        let opened = if let known { known } else { try disk.open(block) }
        range = try opened.storedRange(offset: offset, count: count)
        opened.willRead(range)
        file = opened
        return opened
    }

    private func sendPages(of file: BlockFile, to socket: Int32) -> Outcome {
        var allowance = Self.stepLimit
        while range.count > 0 {
            guard allowance > 0 else { return .again }
            let sent = linux_sendfile(socket, file.descriptor, Int64(range.offset), min(range.count, allowance))
            if sent > 0 {
                range.offset += sent
                range.count -= sent
                allowance -= sent
            } else if sent == 0 || sent == -Int(EIO) {
                // The header has left: the error can only be shown by closing. Next time it is opened anew.
                isStale = true
                let error = BlockStoreError.system(operation: "sendfile", code: EIO)
                return .broken("\(health.answer(to: error, doing: "read", block))")
            } else if sent == -Int(EAGAIN) {
                return .needsOutput
            } else if sent != -Int(EINTR) {
                return .broken("sendfile: \(String(cString: strerror(Int32(-sent))))")
            }
        }
        return .done
    }
}

/// Sends the data of pages without their checksums.
final class FetchDataJob: BlockJob, @unchecked Sendable {
    private let offset: UInt32
    private let count: UInt32
    private var header: [UInt8]
    private var file: BlockFile?
    /// The next byte to send, and where the range ends, in data bytes of the block.
    private var position: Int
    private let end: Int

    init(_ served: ServedDisk, _ block: BlockID, offset: UInt32, count: UInt32, header: [UInt8]) {
        self.offset = offset
        self.count = count
        self.header = header
        position = Int(offset)
        end = Int(offset) + Int(count)
        super.init(served, block)
    }

    override func step(_ socket: Int32, using chunk: PageChunk) -> Outcome {
        do throws(BlockStoreError) {
            let file = try opened()
            if let outcome = sendHeader(&header, to: socket, more: count > 0) { return outcome }
            while position < end {
                if let outcome = try sendChunk(of: file, to: socket, chunk) { return outcome }
            }
            return .done
        } catch {
            let answer = health.answer(to: error, doing: "read", block)
            return header.isEmpty ? .broken("\(answer)") : .refuse(answer, unread: 0)
        }
    }

    private func opened() throws(BlockStoreError) -> BlockFile {
        if let file { return file }
        let opened = try disk.open(block)
        opened.willRead(try opened.storedRange(offset: offset, count: count))
        file = opened
        return opened
    }

    /// Sends up to a chunk from `position`; the outcome if that ends the step. What the socket does not take is read
    /// again from the page cache next time.
    private func sendChunk(
        of file: BlockFile, to socket: Int32, _ chunk: PageChunk
    ) throws(BlockStoreError) -> Outcome? {
        let skipped = position % PageChunk.pageSize
        let start = position - skipped
        let wanted = min(end - start, PageChunk.pages * PageChunk.pageSize)
        var range = try file.storedRange(offset: UInt32(start), count: UInt32(wanted))
        let data = chunk.data(try file.readData(&range, into: chunk))
        let part = UnsafeRawBufferPointer(rebasing: data[skipped...])
        let isLast = start + wanted == end
        let sent = send(socket, part.baseAddress, part.count, isLast ? 0 : Int32(MSG_MORE))
        if sent >= 0 {
            position += sent
            return nil
        }
        switch errno {
        case EINTR: return nil
        case EAGAIN: return .needsOutput
        default: return .broken("send: \(String(cString: strerror(errno)))")
        }
    }
}

/// Sends what is left of a header; the outcome if that ends the step.
private func sendHeader(_ header: inout [UInt8], to socket: Int32, more: Bool) -> BlockJob.Outcome? {
    while !header.isEmpty {
        let sent = send(socket, header, header.count, more ? Int32(MSG_MORE) : 0)
        if sent >= 0 {
            header.removeFirst(sent)
        } else if errno == EAGAIN {
            return .needsOutput
        } else if errno != EINTR {
            return .broken("send: \(String(cString: strerror(errno)))")
        }
    }
    return nil
}
