import Protocol

extension AddrsInfo {
    /// No address at all.
    static let none = AddrsInfo(
        addr1: IpPort(addrs: IPv4Address(rawValue: 0), port: 0), addr2: IpPort(addrs: IPv4Address(rawValue: 0), port: 0)
    )

    private var present: [IpPort] { [addr1, addr2].filter { $0.port != 0 } }

    /// Whether a server can be registered under these: the first is present, the two differ (services.md A.4).
    var isRegistrable: Bool { addr1.port != 0 && addr1 != addr2 }

    /// Whether the two share an IP, whatever the ports.
    func sharesIP(with other: AddrsInfo) -> Bool {
        present.contains { mine in other.present.contains { $0.addrs == mine.addrs } }
    }
}
