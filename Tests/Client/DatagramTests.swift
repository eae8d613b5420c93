import Client
import EventLoop
import Protocol
import Testing

/// Networks that drop fragments, and strangers that answer.
@Suite(.timeLimit(.minutes(1))) struct DatagramTests {
    // MARK: Sizes

    @Test func whereFragmentsAreDroppedLessIsAskedFor() async throws {
        let (asked, counts) = try await FakeCluster.run { cluster in
            let shard = try PagingShard(on: cluster.loop)
            defer { shard.close() }
            shard.largestAnswer = 1472
            await cluster.client.ask(shard)
            var counts: [Int] = []
            for number in 0..<8 {
                // The port of another shard makes no difference.
                let page = try await cluster.client.call(
                    VisitFilesRequest(beginId: .null, mtu: 8972), shard: ShardID(rawValue: UInt8(number)))
                counts.append(page.ids.count)
            }
            return (shard.asked, counts)
        }
        let first = asked.firstIndex(of: 1472) ?? asked.count
        #expect(first >= 2 && asked[..<first].allSatisfy { $0 == 8972 }, "more is tried first, and not once only")
        #expect(asked.count - first >= 8 && asked[first...].allSatisfy { $0 == 1472 }, "it is remembered")
        #expect(counts.allSatisfy { $0 > 100 })
    }

    /// A leader that is gone, and a follower that passes on to the next one.
    @Test func whoIsSilentIsAskedAtItsOtherAddress() async throws {
        let (silent, asked) = try await FakeCluster.run { cluster in
            let gone = try PagingShard(on: cluster.loop)
            gone.largestAnswer = 0
            let shard = try PagingShard(on: cluster.loop)
            defer {
                gone.close()
                shard.close()
            }
            await cluster.client.ask(shard, behind: gone)
            for _ in 0..<5 {
                _ = try await cluster.client.call(
                    VisitFilesRequest(beginId: .null, mtu: 1472), shard: ShardID(rawValue: 1))
            }
            return (gone.asked.count, shard.asked.count)
        }
        #expect(silent >= 2 && silent < 6, "asked first, and with repetitions of the first request only")
        #expect(asked >= 5)
    }

    @Test func elsewhereEverythingIsAskedFor() async throws {
        let asked = try await FakeCluster.run { cluster in
            let shard = try PagingShard(on: cluster.loop)
            defer { shard.close() }
            await cluster.client.ask(shard)
            for _ in 0..<3 {
                _ = try await cluster.client.call(
                    VisitFilesRequest(beginId: .null, mtu: 8972), shard: ShardID(rawValue: 1))
            }
            return shard.asked
        }
        #expect(asked.count >= 3 && asked.first == 8972 && asked.last == 8972)
    }

    @Test func theOptionIsTheMostThatIsAskedFor() async throws {
        for limit in [1472, 4000] as [UInt16] {
            var options = FakeCluster.testOptions
            options.datagramBytes = limit
            let asked = try await FakeCluster.run(options: options) { cluster in
                let shard = try PagingShard(on: cluster.loop)
                defer { shard.close() }
                await cluster.client.ask(shard)
                for mtu in [8972, 2000, 0] as [UInt16] {
                    _ = try await cluster.client.call(
                        VisitFilesRequest(beginId: .null, mtu: mtu), shard: ShardID(rawValue: 1))
                }
                return shard.asked
            }
            #expect(asked.first == limit && asked.last == 0 && asked.allSatisfy { $0 <= limit })
            #expect(asked.contains(min(limit, 2000)))
        }
    }

    @Test func theWayBackUp() {
        var sizes = DatagramSizes()
        func isNarrow(at second: UInt64, host: UInt32 = 1, attempt: Int = 0) -> Bool {
            sizes.isNarrow(host, attempt: attempt, now: second * 1_000_000_000)
        }
        func answered(at second: UInt64, bytes: Int, askedForLess: Bool) {
            sizes.answered(
                1, bytes: bytes, askedForMore: true, askedForLess: askedForLess, now: second * 1_000_000_000)
        }
        #expect(!isNarrow(at: 0) && !isNarrow(at: 0, attempt: 1))
        #expect(isNarrow(at: 0, attempt: 2), "twice in vain is enough")
        answered(at: 1, bytes: 900, askedForLess: true)
        #expect(isNarrow(at: 1))
        #expect(!isNarrow(at: 1, host: 2), "other hosts have other networks")
        // What was under way together with it does not count again.
        answered(at: 2, bytes: 900, askedForLess: true)
        #expect(isNarrow(at: 30))
        #expect(!isNarrow(at: 31), "one tries for more")
        #expect(isNarrow(at: 31), "and only one")
        answered(at: 32, bytes: 900, askedForLess: true)
        #expect(isNarrow(at: 91), "the next time comes later")
        #expect(!isNarrow(at: 92))
        answered(at: 92, bytes: 1473, askedForLess: false)
        #expect(!isNarrow(at: 92) && !isNarrow(at: 92), "more came through")
    }

    // MARK: Senders

    @Test func anAnswerFromElsewhereIsIgnoredAndCounted() async throws {
        let (count, foreign) = try await FakeCluster.run { cluster in
            let shard = try PagingShard(on: cluster.loop)
            let stranger = try UDPSocket(on: cluster.loop, binding: .loopback(port: 0))
            defer {
                shard.close()
                stranger.close()
            }
            // The stranger knows the request and answers first, with nothing in it.
            shard.onRequest = { id, client in
                PagingShard.answer(id, count: 0, from: stranger, to: client)
                return client
            }
            await cluster.client.ask(shard)
            let page = try await cluster.client.call(
                VisitFilesRequest(beginId: .null, mtu: 1472), shard: ShardID(rawValue: 9))
            return (page.ids.count, cluster.client.core.transport.counters.foreign)
        }
        #expect(count > 0)
        #expect(foreign >= 1)
    }

    @Test func onlyTheAddressThatIsUsedIsListenedTo() async throws {
        let requests = try await FakeCluster.run { cluster in
            let shard = try PagingShard(on: cluster.loop)
            defer { shard.close() }
            // The first answer goes to the same port of another address of this machine.
            shard.onRequest = { _, client in
                shard.asked.count > 1 ? client : SocketAddress(address: 0x7f00_0002, port: client.port)
            }
            await cluster.client.ask(shard)
            _ = try await cluster.client.call(
                VisitFilesRequest(beginId: .null, mtu: 1472), shard: ShardID(rawValue: 9))
            return shard.asked.count
        }
        #expect(requests >= 2)
    }
}

extension Client {
    /// From now on asks `shard` in place of all shards.
    ///
    /// - Parameter silent: their first address, where nobody answers.
    fileprivate func ask(_ shard: PagingShard, behind silent: PagingShard? = nil) {
        // What is silent would be asked about, and the registry here knows the other shards.
        core.transport.onSilence = nil
        var address = FakeShards.addresses(shard.socket.localAddress)
        if let silent {
            address = AddrsInfo(addr1: FakeShards.addresses(silent.socket.localAddress).addr1, addr2: address.addr1)
        }
        core.transport.addresses = ClusterAddresses(shards: Array(repeating: address, count: 256), cdc: address)
    }
}

/// A shard with any number of files, whose larger answers get lost.
///
/// `@unchecked Sendable`: used on its loop only.
private final class PagingShard: @unchecked Sendable {
    let socket: UDPSocket
    /// The datagram sizes that were asked for, in order.
    private(set) var asked: [UInt16] = []
    var largestAnswer = 8972
    /// Told of a request's id and sender; tells where the answer goes.
    var onRequest: (UInt64, SocketAddress) -> SocketAddress = { $1 }

    init(on loop: EventLoop) throws {
        socket = try UDPSocket(on: loop, binding: .loopback(port: 0))
        socket.onDatagram = { [unowned self] datagram, sender in receive(datagram, sender) }
    }

    func close() { socket.close() }

    private func receive(_ datagram: UnsafeRawBufferPointer, _ sender: SocketAddress) {
        guard let packet = try? PlainPacket(datagram, expecting: .shardRequest),
            let request = try? VisitFilesRequest(decoding: packet.body)
        else { return }
        asked.append(request.mtu)
        let receiver = onRequest(packet.requestID, sender)
        // 23 bytes of header and fixed fields.
        let count = (max(Int(request.mtu), 1472) - 23) / 8
        guard 23 + count * 8 <= largestAnswer else { return }
        Self.answer(packet.requestID, count: count, from: socket, to: receiver)
    }

    static func answer(_ id: UInt64, count: Int, from socket: UDPSocket, to receiver: SocketAddress) {
        let body = VisitFilesResponse(nextId: .null, ids: Array(repeating: .root, count: count))
        socket.send(to: receiver) { room in
            var writer = WireWriter(room)
            do {
                try PlainPacket.write(
                    .shardResponse, requestID: id, kind: ShardKind.visitFiles.rawValue, body: body, into: &writer)
                return writer.count
            } catch {
                return 0
            }
        }
    }
}
