import Consensus
import Mutations
import Protocol
import RegistryCore
import Replicas

/// What clients ask of a registry that does not lead goes to the one that does, once, and the reply back: so clients
/// that know of one registry are served as long as any are. Who may ask for what is judged where the client is
/// connected; the processes of a registry know the same keys. Belongs to the registry's loop.
package final class RegistryRelay {
    /// A request that was passed on.
    private struct Call {
        let answer: RegistryPipeline.Answer
        var received: [UInt8] = []
    }

    private let pipeline: RegistryPipeline
    private let exchange: PeerExchange
    private let later: (UInt64, @escaping () -> Void) -> Void
    private var calls: [UInt64: Call] = [:]
    private var lastNumber: UInt64 = 0

    /// So long a reply may take; clients of ours wait no longer.
    private static let patienceNanoseconds: UInt64 = 10_000_000_000
    /// Parts of a reply are so large at most.
    private static let partBytes = 256 << 10
    /// No reply is larger.
    private static let largestReplyBytes = 64 << 20

    /// - Parameters:
    ///   - exchange: to where the other replicas are.
    ///   - later: calls back after so many nanoseconds.
    package init(
        _ pipeline: RegistryPipeline, over exchange: PeerExchange,
        later: @escaping (UInt64, @escaping () -> Void) -> Void
    ) {
        self.pipeline = pipeline
        self.exchange = exchange
        self.later = later
        pipeline.onElsewhere = { [unowned self] in pass($0, to: $1, $2) }
        pipeline.onLeaderChange = { [unowned self] in letGo() }
    }

    // MARK: Where the client is

    private func pass(
        _ request: AnyRegistryRequest, to leader: ReplicaSlot, _ answer: @escaping RegistryPipeline.Answer
    ) {
        // It has been decoded, so it has an encoding.
        guard let message = try? RegistryFrame.encoded(request) else { return answer(nil) }
        lastNumber += 1
        let number = lastNumber
        calls[number] = Call(answer: answer)
        later(Self.patienceNanoseconds) { [weak self] in self?.end(number, nil) }
        exchange.relay(RelayedCall(group: .registry, number: number, request: message), to: leader)
    }

    private func end(_ number: UInt64, _ reply: RegistryCore.Reply?) {
        calls.removeValue(forKey: number)?.answer(reply)
    }

    /// A part of a reply. One that is not whole is none.
    package func receive(_ reply: RelayedReply) {
        guard var call = calls[reply.number] else { return }
        let isNext = reply.offset == UInt64(call.received.count) || Mutation.missingPartsOfRepliesAreIgnored.isPlanted
        guard isNext, call.received.count + reply.part.count <= Self.largestReplyBytes else {
            return end(reply.number, nil)
        }
        call.received += reply.part
        guard reply.isLast else {
            calls[reply.number] = call
            return
        }
        end(reply.number, call.received.withUnsafeBytes { try? RegistryFrame.reply(in: $0) })
    }

    /// Nobody knows what becomes of what was passed on to whoever leads no more: its clients ask again.
    private func letGo() {
        for number in calls.keys.sorted() { end(number, nil) }
    }

    // MARK: Where the leader is

    /// A request that has come to another replica.
    package func receive(_ call: RelayedCall, from follower: ReplicaSlot) {
        let request = call.request.withUnsafeBytes { message in
            try? RegistryFrame.firstRequest(in: message, limit: RegistryServer.maximumRequestLength)?.request
        }
        guard let request else { return send(nil, to: call, from: follower) }
        pipeline.handle(request, isPassedOn: true) { [weak self] in self?.send($0, to: call, from: follower) }
    }

    private func send(_ reply: RegistryCore.Reply?, to call: RelayedCall, from follower: ReplicaSlot) {
        let message = reply.flatMap { try? RegistryFrame.encoded($0) } ?? []
        var offset = 0
        repeat {
            let part = message[offset..<min(offset + Self.partBytes, message.count)]
            exchange.relay(
                RelayedReply(
                    group: .registry, number: call.number, offset: UInt64(offset), part: Array(part),
                    isLast: part.endIndex == message.count), to: follower)
            offset = part.endIndex
        } while offset < message.count
    }
}
