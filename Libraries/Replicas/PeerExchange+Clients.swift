import EventLoop
import Protocol

extension PeerExchange {
    /// Datagrams that followers have passed on and that no loop has taken up yet: more are dropped, as by a socket.
    private static let relaysWaiting = 1024

    /// What peers pass on for clients, and their answers, go to the loops of the groups from now on.
    package func passOn(to relays: [GroupNumber: LoopBound<ClientRelay>]) {
        let gate = RelayGate(limit: Self.relaysWaiting)
        self.relays.request = { request, follower in
            gate.pass(relays[request.group]) { $0.receive(request, from: follower) }
        }
        self.relays.answer = { answer in relays[answer.group]?.submit { $0.receive(answer) } }
    }
}
