import BlockStore
import Protocol

/// What a request does on the threads of its disk, step by step: a step works until it is done or the socket has no
/// more data or room, and never waits for the socket.
///
/// `@unchecked Sendable` for all jobs: a job belongs to its connection, which gives it to one thread of the disk's
/// queue at a time and touches it again only after that step has ended; queue and loop inbox order the two.
class BlockJob: @unchecked Sendable {
    /// What became of a step.
    enum Outcome {
        /// Go on when the socket has this many more bytes (fewer would do).
        case needsInput(Int)
        /// Go on when the socket has room.
        case needsOutput
        /// Go on, but let others have their turn first.
        case again
        /// Others do the rest, together with that of other requests: to be begun now, calls back once, on any thread.
        case later((@escaping @Sendable (Outcome) -> Void) -> Void)
        /// Answer this; the rest of the stream is in step.
        case answer([UInt8])
        /// Answer this error after dropping so many bytes that belong to the request.
        case refuse(ProtocolError, unread: Int)
        /// Answered.
        case done
        /// The peer is gone, or what was already sent cannot be completed: only closing is left.
        case broken(String)
    }

    let disk: BlockDisk
    let health: DiskHealth
    let block: BlockID

    init(_ served: ServedDisk, _ block: BlockID) {
        disk = served.disk
        health = served.health
        self.block = block
    }

    /// Bytes of the request that are still to come. Asked before the first step.
    var unread: Int { 0 }

    /// One step with a non-blocking socket.
    func step(_ socket: Int32, using chunk: PageChunk) -> Outcome {
        preconditionFailure("every job has its own steps")
    }

    /// The connection is gone: let go of what is on the disk. Runs on the disk's threads.
    func abandon() {}

    /// Bytes one step moves at most.
    static let stepLimit = 16 << 20
}

/// A job that is over in one step and transfers nothing.
final class DiskOperationJob: BlockJob, @unchecked Sendable {
    private let name: String
    private let answer: [UInt8]
    private let operation: @Sendable (BlockDisk) throws(BlockStoreError) -> Void

    init(
        _ served: ServedDisk, _ block: BlockID, name: String, answer: [UInt8],
        _ operation: @escaping @Sendable (BlockDisk) throws(BlockStoreError) -> Void
    ) {
        self.name = name
        self.answer = answer
        self.operation = operation
        super.init(served, block)
    }

    override func step(_ socket: Int32, using chunk: PageChunk) -> Outcome {
        do throws(BlockStoreError) {
            try operation(disk)
            return .answer(answer)
        } catch {
            return .refuse(health.answer(to: error, doing: name, block), unread: 0)
        }
    }
}

/// Removes a block and answers when that is durable.
final class EraseJob: BlockJob, @unchecked Sendable {
    private let answer: [UInt8]

    init(_ served: ServedDisk, _ block: BlockID, answer: [UInt8]) {
        self.answer = answer
        super.init(served, block)
    }

    override func step(_ socket: Int32, using chunk: PageChunk) -> Outcome {
        .later { [self] done in
            disk.erase(block) { [self] result in
                switch result {
                case .success: done(.answer(answer))
                case .failure(let error): done(.refuse(health.answer(to: error, doing: "erase", block), unread: 0))
                }
            }
        }
    }
}
