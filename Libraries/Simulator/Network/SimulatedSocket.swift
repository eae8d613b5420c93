import EventLoop
import Protocol
import Replicas

/// A service's socket for clients: makes messages of datagrams, and the other way round.
final class SimulatedSocket: ClientSocket {
    var onDatagram: ((UnsafeRawBufferPointer, SocketAddress) -> Void)?
    let localAddress: SocketAddress

    private let endpoint: Endpoint
    private let network: Network
    private let world: World

    init(_ endpoint: Endpoint, _ network: Network, _ world: World) {
        self.endpoint = endpoint
        self.network = network
        self.world = world
        localAddress = SocketAddress(address: 0, port: 0)
    }

    func send(to address: SocketAddress, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
        let datagram = [UInt8](unsafeUninitializedCapacity: UDPSocket.maximumDatagramSize) { buffer, count in
            count = fill(UnsafeMutableRawBufferPointer(buffer))
        }
        guard let message = datagram.withUnsafeBytes({ Message($0) }), let receiver = Endpoint(address) else {
            return world.find("\(endpoint) sends what nobody can read to \(address)")
        }
        network.send(message, from: endpoint, to: receiver)
    }

    func close() { onDatagram = nil }

    /// Takes a message from the network.
    func receive(_ message: Message, from sender: SocketAddress) {
        do throws(EncodeError) {
            try message.datagram().withUnsafeBytes { onDatagram?($0, sender) }
        } catch {
            world.find("\(endpoint) gets what cannot be written: \(error)")
        }
    }
}

extension ClientRelay {
    /// Sends a message the way that its request came.
    func answer(_ way: ClientWay, _ message: Message, _ world: World) {
        do throws(EncodeError) {
            let datagram = try message.datagram()
            answer(way) { room in
                room.copyBytes(from: datagram)
                return datagram.count
            }
        } catch {
            world.find("an answer that cannot be written: \(error)")
        }
    }
}
