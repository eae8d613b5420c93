import Glibc

/// An IPv4 address and a port. Both are kept in host byte order.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// `0x7f000001` is 127.0.0.1.
    public var address: UInt32
    public var port: UInt16

    public init(address: UInt32, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// 127.0.0.1 with this port.
    public static func loopback(port: UInt16) -> SocketAddress {
        SocketAddress(address: 0x7f00_0001, port: port)
    }

    /// Reads `a.b.c.d:port`; nil for anything else. Names are not resolved, see `resolve`.
    public init?(parsing text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
            return nil
        }
        var parsed = in_addr()
        guard inet_pton(AF_INET, String(text[..<colon]), &parsed) == 1 else { return nil }
        self.init(address: UInt32(bigEndian: parsed.s_addr), port: port)
    }

    /// Reads `host:port` and resolves the host by the system's resolver. Blocks; for start-up and for work queues only.
    public static func resolve(_ text: String) throws(SystemError) -> SocketAddress {
        if let numeric = SocketAddress(parsing: text) { return numeric }
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
            throw SystemError("'\(text)' is not HOST:PORT", code: EINVAL)
        }
        let host = String(text[..<colon])
        var hints = addrinfo()
        hints.ai_family = AF_INET
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &found) == 0, let first = found else {
            throw SystemError("resolve '\(host)'", code: EHOSTUNREACH)
        }
        defer { freeaddrinfo(first) }
        guard let raw = first.pointee.ai_addr else { throw SystemError("resolve '\(host)'", code: EHOSTUNREACH) }
        let address = raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr.s_addr }
        return SocketAddress(address: UInt32(bigEndian: address), port: port)
    }

    public var description: String {
        "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255):\(port)"
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return UInt16(text)
    }
}

extension SocketAddress {
    init(_ raw: sockaddr_in) {
        self.init(address: UInt32(bigEndian: raw.sin_addr.s_addr), port: UInt16(bigEndian: raw.sin_port))
    }

    /// Calls `body` with the kernel's form of this address.
    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_port = port.bigEndian
        raw.sin_addr = in_addr(s_addr: address.bigEndian)
        return withUnsafePointer(to: &raw) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// The address that the kernel gave a bound socket.
    static func ofSocket(_ descriptor: Int32) throws(SystemError) -> SocketAddress {
        var raw = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafeMutablePointer(to: &raw) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard failed == 0 else { throw .last("getsockname") }
        return SocketAddress(raw)
    }
}
