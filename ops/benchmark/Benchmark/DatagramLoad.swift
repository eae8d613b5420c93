import EventLoop
import Protocol
import Wire

/// Keeps a fixed number of requests in flight to one address for some seconds and counts the answers.
///
/// Lost datagrams are sent again after 200 ms, so that a loss does not end a slot.
struct DatagramLoad {
    /// One of the requests in flight: what it sends next, and what it makes of the answer.
    protocol Slot: AnyObject {
        /// Writes the next request's kind and body; returns the bytes used. Called again for a repetition.
        func fill(_ body: UnsafeMutableRawBufferPointer) -> Int
        /// An answer's kind and body. True when this completes an operation that counts.
        func answered(_ body: UnsafeRawBufferPointer) -> Bool
        /// Whether it has nothing more to send.
        var isDone: Bool { get }
    }

    struct Result {
        /// Operations that completed.
        let operations: Int
        let seconds: Double
        var perSecond: Double { Double(operations) / seconds }
    }

    private static let headerSize = 12
    private static let repeatNanoseconds: UInt64 = 200_000_000

    /// Runs for `seconds`, or until all slots are done. `protocolWord` is that of the requests; everything happens on a
    /// loop of its own on this thread.
    static func run(
        to address: SocketAddress, protocolWord: UInt32, slots: [any Slot], seconds: Double
    ) throws -> Result {
        let loop = try EventLoop()
        let socket = try UDPSocket(on: loop, binding: .loopback(port: 0))
        var sentAt = [UInt64](repeating: 0, count: slots.count)
        var round = [UInt64](repeating: 0, count: slots.count)
        var operations = 0
        var active = Set(slots.indices.filter { !slots[$0].isDone })

        func send(_ index: Int) {
            sentAt[index] = loop.monotonicNanoseconds
            socket.send(to: address) { buffer in
                buffer.storeBytes(of: protocolWord.littleEndian, as: UInt32.self)
                buffer.storeBytes(of: requestID(index, round[index]).littleEndian, toByteOffset: 4, as: UInt64.self)
                return headerSize + slots[index].fill(UnsafeMutableRawBufferPointer(rebasing: buffer[headerSize...]))
            }
        }
        socket.onDatagram = { bytes, _ in
            guard bytes.count > headerSize else { return }
            let id = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
            let index = Int(id & 0xffff) - 1
            guard slots.indices.contains(index), id == requestID(index, round[index]) else { return }
            if slots[index].answered(UnsafeRawBufferPointer(rebasing: bytes[headerSize...])) { operations += 1 }
            round[index] += 1
            guard slots[index].isDone else { return send(index) }
            active.remove(index)
            if active.isEmpty { loop.stop() }
        }
        let timer = loop.timer(afterNanoseconds: repeatNanoseconds, repeatingNanoseconds: repeatNanoseconds) {
            let now = loop.monotonicNanoseconds
            for index in active where now - sentAt[index] > repeatNanoseconds { send(index) }
        }
        let start = loop.monotonicNanoseconds
        loop.timer(afterNanoseconds: UInt64(seconds * 1e9)) { loop.stop() }
        active.forEach(send)
        if !active.isEmpty { loop.run() }
        let elapsed = Double(loop.monotonicNanoseconds - start) / 1e9
        timer.cancel()
        socket.close()
        loop.close()
        return Result(operations: operations, seconds: elapsed)
    }

    /// Never 0, which servers take as "nobody waits".
    private static func requestID(_ index: Int, _ round: UInt64) -> UInt64 {
        UInt64(index + 1) | (round & 0xffff_ffff) << 16
    }
}

extension DatagramLoad.Slot {
    var isDone: Bool { false }
}
