import ArgumentParser

/// How long what was deleted is kept: a number with one of the units s, m, h, d.
struct KeepTime: Equatable {
    let nanoseconds: UInt64

    static let oneDay = KeepTime(nanoseconds: 86_400_000_000_000)

    static func parse(_ text: String) throws -> KeepTime {
        let seconds: [Character: UInt64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        guard let unit = text.last.flatMap({ seconds[$0] }), let count = UInt64(text.dropLast()), count <= 36500
        else { throw ValidationError("a time is a number up to 36500 with s, m, h or d, such as 24h") }
        return KeepTime(nanoseconds: count * unit * 1_000_000_000)
    }
}
