import EventLoop

/// The seam between a client and what is around it. Everything that a client learns, does or waits for goes through
/// one of these, so that it runs as it is on libuv and in the simulator.
package struct ClientSurroundings {
    /// Time, timers, chance, tasks, and connections to registries.
    package let loop: any Loop
    package let datagrams: any DatagramPort
    package let blocks: any BlockExchange

    package init(loop: any Loop, datagrams: any DatagramPort, blocks: any BlockExchange) {
        self.loop = loop
        self.datagrams = datagrams
        self.blocks = blocks
    }

    /// Sockets.
    init(_ loop: EventLoop, _ options: ClientOptions) {
        self.loop = loop
        datagrams = RequestSockets(loop: loop)
        blocks = BlockConnectionPool(loop: loop, stallNanoseconds: options.blockStallNanoseconds)
    }
}
