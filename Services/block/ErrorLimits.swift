/// How many I/O errors make a disk one that should be decommissioned (spec services B.3).
package struct ErrorLimits: Hashable, Sendable {
    /// Of the requests of a period.
    package var percent: UInt64
    /// In a period. A single error of an idle disk says little.
    package var count: UInt64
    package var periodNanoseconds: UInt64

    package init(percent: UInt64, count: UInt64, periodNanoseconds: UInt64) {
        self.percent = percent
        self.count = count
        self.periodNanoseconds = periodNanoseconds
    }

    package func areExceeded(by errors: UInt64, of requests: UInt64) -> Bool {
        guard errors >= count else { return false }
        let (tolerated, isAll) = requests.multipliedReportingOverflow(by: percent)
        let (found, isMany) = errors.multipliedReportingOverflow(by: 100)
        return !isAll && (isMany || tolerated < found)
    }
}
