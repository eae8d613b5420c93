import Glibc
import Protocol

/// How a version that was overwritten or deleted is called where snapshots are shown: its name, and since when it had
/// been there: `report.txt@2026-11-29T14:00:05.000000001Z`.
package struct SnapshotName: Hashable, Sendable {
    package let name: [UInt8]
    package let time: Timestamp

    package init(name: [UInt8], time: Timestamp) {
        self.name = name
        self.time = time
    }

    /// Nil when it is not as `bytes` would say it.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count > Self.timeBytes, let time = Self.time(bytes.suffix(Self.timeBytes)) else { return nil }
        self.init(name: Array(bytes.dropLast(Self.timeBytes)), time: time)
        guard self.bytes == bytes else { return nil }
    }

    package var bytes: [UInt8] { name + Array(Self.text(time).utf8) }

    // MARK: Times

    /// With the sign before it.
    private static let timeBytes = "@2026-11-29T14:00:05.000000001Z".utf8.count

    private static func text(_ time: Timestamp) -> String {
        var seconds = time_t(time.nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = [padded(Int(parts.tm_year) + 1900, 4), padded(Int(parts.tm_mon) + 1), padded(Int(parts.tm_mday))]
        let clock = [padded(Int(parts.tm_hour)), padded(Int(parts.tm_min)), padded(Int(parts.tm_sec))]
        let fraction = padded(Int(time.nanoseconds % 1_000_000_000), 9)
        return "@" + date.joined(separator: "-") + "T" + clock.joined(separator: ":") + ".\(fraction)Z"
    }

    private static func padded(_ number: Int, _ digits: Int = 2) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private static func time(_ text: ArraySlice<UInt8>) -> Timestamp? {
        let numbers = text.split { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            .map { Int(String(decoding: $0, as: UTF8.self)) ?? -1 }
        guard numbers.count == 7, numbers.allSatisfy({ (0..<1_000_000_000).contains($0) }), numbers[0] < 10_000 else {
            return nil
        }
        var parts = tm()
        parts.tm_year = Int32(numbers[0] - 1900)
        parts.tm_mon = Int32(numbers[1]) - 1
        (parts.tm_mday, parts.tm_hour) = (Int32(numbers[2]), Int32(numbers[3]))
        (parts.tm_min, parts.tm_sec) = (Int32(numbers[4]), Int32(numbers[5]))
        let (seconds, isTooLate) = UInt64(clamping: timegm(&parts)).multipliedReportingOverflow(by: 1_000_000_000)
        return isTooLate ? nil : Timestamp(nanoseconds: seconds &+ UInt64(numbers[6]))
    }
}
