import Consensus
import Mutations
import Protocol

extension Replica {
    /// Of applied entries in memory, for peers that are a little behind; what is older is read from disk.
    private static let keptBytes = 256 << 10

    func carryOut(_ effect: Effect) {
        switch effect {
        case .write(let number, let write):
            if case .base = write { pendingBase = number }
            lane.gather(number, write.items, of: id)
        case .send(let message, let write):
            if write <= durableWrite || Mutation.messagesOvertakeTheirWrites.isPlanted {
                lane.say(message, in: id)
            } else {
                heldMessages.append((message, write))
            }
        case .deliver(let index): deliver(through: index)
        case .role(.leader, _, _): noteFollowers()
        case .role(_, _, let leader):
            stepDown()
            if leader != nil { onFollowing?() }
        case .serves: onServing?()
        case .readable(let number, let index): confirm(number, index)
        case .heartbeatWanted: lane.hurryHeartbeat()
        case .supply(let peer, let index, let bytes, let term):
            lane.read(LogRead(lane: lane, group: id, from: index, byteCount: bytes, peer: peer, term: term))
        case .fetch(let base, let leader): fetch(base, from: leader)
        case .recovered: break
        }
    }

    func sendHeld() {
        while let first = heldMessages.first, first.write <= durableWrite {
            heldMessages.removeFirst()
            lane.say(first.message, in: id)
        }
    }

    private func deliver(through index: LogIndex) {
        while delivered < index, failure == nil {
            delivered = delivered.next
            guard let entry = consensus.entry(at: delivered) else {
                return stop(.corruption("\(id): entry \(delivered) is final and not in memory"))
            }
            hand(over: entry)
        }
        consensus.applied(through: delivered)
        consensus.compact(keeping: consensus.configuration.slots.count > 1 ? Self.keptBytes : 0)
        answerReads()
    }

    private func hand(over entry: Entry) {
        guard case .command(let bytes) = entry.content else { return pass(entry) }
        if consensus.role == .leader, entry.term == consensus.term { settle(bytes) }
        onDelivery?(LogEntry(index: entry.index, term: entry.term, kind: .command, bytes: bytes))
    }

    private func pass(_ entry: Entry) {
        do {
            let standing = Standing(term: entry.term, configuration: consensus.configuration(at: entry.index))
            try state.pass(entry.index, standing)
        } catch {
            stop(.inputOutput("the state of \(id): \(error)"))
        }
    }
}
