/// How much block repair may take for itself. The limits hold over all files under repair together.
package struct RepairOptions: Hashable, Sendable {
    /// Memory for blocks under way, in bytes. A single block that needs more gets it while nothing else is under way.
    package var memoryBytes = 256 << 20
    /// Sources are read in pieces of so many bytes, a multiple of 4096.
    package var pieceBytes = 1 << 20
    /// Spans of one file that are worked on at the same time.
    package var spansPerFile = 8
    /// Reads and writes under way at one block service.
    package var operationsPerService = 4
    /// New blocks are written at this rate at most, in bytes per second; 0 = no limit.
    package var bytesPerSecond: UInt64 = 0
    /// How often a span is tried in all when it changes meanwhile or a request fails.
    package var attempts = 4
    /// Between two such attempts.
    package var retryPauseNanoseconds: UInt64 = 1_000_000_000
    /// A block service that could not be reached is read from only in need for so long.
    package var avoidNanoseconds: UInt64 = 30_000_000_000

    package init() {}
}
