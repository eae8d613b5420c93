import EventLoop
import Protocol

/// Which of a service's two addresses is asked. They are two networks of one process, or the leader of a group of
/// replicas and one that passes on to it: the way that was answered last is kept, and repetitions take both.
package struct ServiceWays<Service: Hashable> {
    /// Those whose second address has answered last.
    private var seconds: Set<Service> = []

    package init() {}

    /// Its addresses, the better one first; empty: there is none.
    package func addresses(of service: Service, at both: AddrsInfo) -> [SocketAddress] {
        guard both.addr1.port != 0 else { return [] }
        guard both.addr2.port != 0 else { return [SocketAddress(both.addr1)] }
        let (first, second) = (SocketAddress(both.addr1), SocketAddress(both.addr2))
        return seconds.contains(service) ? [second, first] : [first, second]
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
