import Protocol

/// The block services of a cluster, for people and for scripts.
struct BlockServiceList {
    let services: [BlockServiceDeprecatedInfo]

    private static let heading = [
        "ID", "FAILURE DOMAIN", "CLASS", "STATE", "CAPACITY", "AVAILABLE", "BLOCKS", "FILES", "MAY BE PULLED", "PATH",
    ]

    /// Columns under a heading.
    var text: String {
        let rows = [Self.heading] + sorted.map { Self.row($0, size: Self.size) }
        let widths = Self.heading.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).dropLast().map { $0 + String(repeating: " ", count: $1 - $0.count) }
                .joined(separator: "  ") + "  " + (row.last ?? "")
        }.joined(separator: "\n")
    }

    /// Tabs in between, no heading, sizes in bytes.
    var raw: String {
        sorted.map { Self.row($0) { "\($0)" }.joined(separator: "\t") }.joined(separator: "\n")
    }

    /// Those with this number, in hexadecimal, or this path.
    func matching(_ name: String) -> [BlockServiceDeprecatedInfo] {
        let digits = name.hasPrefix("0x") ? String(name.dropFirst(2)) : name
        let number = UInt64(digits, radix: 16)
        return services.filter { $0.id.rawValue == number || $0.path == Array(name.utf8) }
    }

    private var sorted: [BlockServiceDeprecatedInfo] {
        services.sorted { first, second in
            (first.failureDomain.description, first.id.rawValue)
                < (second.failureDomain.description, second.id.rawValue)
        }
    }

    private static func row(
        _ service: BlockServiceDeprecatedInfo, size: (UInt64) -> String
    ) -> [String] {
        [
            service.id.description, service.failureDomain.description, "\(service.storageClass)",
            service.flags.isEmpty ? "ok" : service.flags.description, size(service.capacityBytes),
            size(service.availableBytes), "\(service.blocks)", service.hasFiles ? "yes" : "no",
            service.mayBePulled ? "yes" : "no", String(decoding: service.path, as: UTF8.self),
        ]
    }

    private static func size(_ bytes: UInt64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var (value, unit, tenths) = (bytes, 0, UInt64(0))
        while value >= 1024, unit < units.count - 1 {
            tenths = value % 1024 * 10 / 1024
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(value) B" : "\(value).\(tenths) \(units[unit])"
    }
}

extension BlockServiceDeprecatedInfo {
    /// Whether nothing would be missed: what is left of its blocks is garbage, whose erasing the registry vouches for.
    var mayBePulled: Bool { flags.contains(.decommissioned) && !hasFiles }
}
