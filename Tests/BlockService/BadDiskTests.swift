import Erasure
import Foundation
import Glibc
import Protocol
import Testing

/// A service whose disk really fails, is full or has too much to do.
@Suite(.timeLimit(.minutes(2))) struct BadDiskTests {
    @Test func tooManyRequestsAreAnsweredNotQueued() throws {
        let service = try RunningService(["--threads-per-disk", "1", "--queue-length", "1"])
        let data = randomBytes(8 << 20)
        let clients = try (0..<12).map { _ in try service.client() }
        for client in clients {
            // More than the sockets' buffers hold: all of them are at work, or waiting, at the same time.
            let (socket, request) = (client.socket, TestWriteRequest(size: UInt64(data.count)))
            let bytes = try client.bytes(request) + data
            Thread.detachNewThread { try? socket.send(bytes) }
        }
        var refusals = 0
        for client in clients {
            let header = try client.socket.receive(5)
            if header[4] == 0 {
                #expect(try ProtocolError(decoding: try client.socket.receive(2)) == .timeout)
                refusals += 1
            }
        }
        #expect(refusals < clients.count)
        for client in clients {  // the streams are in step
            let block = BlockClient.block(UInt64.random(in: 0..<1 << 20))
            _ = try client.write(block, Array(data.prefix(8192)))
            #expect(try client.fetch(block, 0, 8192) == Array(data.prefix(8192)))
        }
    }

    @Test func unreadableBlocksAndDisksAreTold() throws {
        let filesystem = try LoopFilesystem(mebibytes: 64)
        let service = try RunningService(
            ["--io-alert-period", "1", "--io-alert-errors", "5"], in: filesystem.path)
        let client = try service.client()
        let datas = (0..<6).map { _ in randomBytes(1 << 20) }
        let blocks = datas.indices.map { BlockClient.block(UInt64($0)) }
        for (block, data) in zip(blocks, datas) { _ = try client.write(block, data) }
        // A check does not take the kernel's word for it: everything is in memory still.
        filesystem.loseMedium(from: 6 << 20)
        for _ in 0..<500 where service.registry.state.withLock({ $0.decommissioned }).isEmpty {
            for (block, data) in zip(blocks, datas) {
                let request = CheckBlockRequest(blockId: block, size: UInt32(data.count), crc: CRC32C(of: data))
                #expect(try client.error(of: request) == .blockIoErrorFile)
            }
            usleep(20_000)
        }
        #expect(service.registry.state.withLock({ $0.decommissioned }) == [service.services[0].id])
        // Checks left alone what readers have in memory.
        #expect(try client.fetch(blocks[0], 0, 8192) == Array(datas[0].prefix(8192)))
        // The header has left when the first page cannot be read.
        for path in try #require(FileManager.default.subpaths(atPath: filesystem.path)) {
            let file = open(filesystem.path + "/" + path, O_RDONLY)
            posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
            close(file)
        }
        let fetch = FetchBlockRequest(blockId: blocks[0], offset: 0, count: 8192)
        try client.socket.send(try client.bytes(fetch))
        #expect(try client.socket.receive(5)[4] == BlocksKind.fetchBlock.rawValue)
        #expect(client.socket.isClosedByPeer())
    }

    @Test func aDiskThatIsGoneIsADeviceError() throws {
        let filesystem = try LoopFilesystem(mebibytes: 64)
        let service = try RunningService(in: filesystem.path)
        let client = try service.client()
        let (block, data) = (BlockClient.block(), randomBytes(256 * 1024))
        let (small, page) = (BlockClient.block(1), randomBytes(4096))
        _ = try client.write(block, data)
        _ = try client.write(small, page)
        filesystem.fail()
        let request = CheckBlockRequest(blockId: block, size: UInt32(data.count), crc: CRC32C(of: data))
        #expect(try client.error(of: request) == .blockIoErrorDevice)
        for bytes in [data, page] {
            let write = client.writeRequest(BlockClient.block(2), bytes)
            #expect(try client.error(of: write, data: bytes) == .blockIoErrorDevice)
        }
        #expect(service.process.isRunning)
    }
}
