import EventLoop

/// Ports of this machine that nobody listens on.
enum FreePorts {
    /// Different ones. Somebody else may take them before they are used; then the service that was to listen says so.
    static func choose(_ count: Int, for roles: [String]) throws -> [String: [UInt16]] {
        let loop = try EventLoop()
        defer { loop.close() }
        var listeners: [TCPListener] = []
        defer { listeners.forEach { $0.close() } }
        for _ in 0..<count * roles.count {
            listeners.append(try TCPListener(on: loop, binding: .loopback(port: 0)) { $0.close() })
        }
        let ports = listeners.map(\.localAddress.port)
        return Dictionary(
            uniqueKeysWithValues: roles.enumerated().map { number, role in
                (role, Array(ports[number * count..<(number + 1) * count]))
            })
    }
}
