import EventLoop
import Mutations
import Protocol

/// Which of a service's two addresses is asked. They are two networks of one process, or the leader of a group of
/// replicas and one that passes on to it: the way that was answered last is kept, and a repetition takes the other one.
package struct ServiceWays<Service: Hashable> {
    /// Those whose second address has answered last.
    private var seconds: Set<Service> = []

    package init() {}

    /// Where to send the attempt of this number, from 0; nil: there is no address.
    package func address(of service: Service, at both: AddrsInfo, attempt: Int) -> SocketAddress? {
        guard both.addr1.port != 0 else { return nil }
        guard both.addr2.port != 0 else { return SocketAddress(both.addr1) }
        let changes = attempt % 2 == 1 && !Mutation.repetitionsTakeOneWay.isPlanted
        return SocketAddress(seconds.contains(service) != changes ? both.addr2 : both.addr1)
    }

    /// An answer has come from one of them.
    package mutating func answered(_ service: Service, at both: AddrsInfo, from sender: SocketAddress) {
        if SocketAddress(both.addr1) == sender {
            seconds.remove(service)
        } else if SocketAddress(both.addr2) == sender {
            seconds.insert(service)
        }
    }

    /// It has other addresses than before, the better one first.
    package mutating func moved(_ service: Service) { seconds.remove(service) }
}
