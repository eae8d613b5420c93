import Client
import Glibc
import Protocol

/// What fallocate(2) was asked for. Space itself is never reserved.
public enum Allocation: Hashable, Sendable {
    /// The file reaches as far as the range.
    case plain
    /// The range could be written; nothing changes.
    case keepSize
    /// The range becomes zeros as far as there is something.
    case punchHole
    /// The range becomes zeros.
    case zeroRange(keepsSize: Bool)
}

extension Filesystem {
    /// fallocate(2)
    public func allocate(
        _ handle: HandleID, _ allocation: Allocation, _ range: Range<UInt64>, by caller: Caller = .unknown
    ) async throws(FilesystemError) {
        let file = try file(handle)
        guard file.writes else { throw .badDescriptor }
        if let failure = file.failure { throw failure }
        // Loses no byte, so it does not stick.
        guard range.upperBound <= Self.largestFileBytes else { throw .tooLarge }
        guard allocation != .keepSize else { return }
        try await changing(file, "fallocate", range) { turn throws(FilesystemError) in
            try await allocate(allocation, range, through: file, turn, by: caller)
        }
    }

    private func allocate(
        _ allocation: Allocation, _ range: Range<UInt64>, through file: OpenFile, _ turn: ChangeLine.Turn,
        by caller: Caller
    ) async throws(FilesystemError) {
        let size = try await attributes(of: file.node).size
        let extends = allocation == .plain || allocation == .zeroRange(keepsSize: false)
        let zeros = allocation == .plain ? 0..<0 : range.clamped(to: 0..<size)
        guard !zeros.isEmpty || extends && range.upperBound > size else { return }
        let staged = try await staged(for: file, "fallocate")
        if let failure = file.failure { throw failure }
        file.changes(staged)
        staged.willChange(zeros, appends: false)
        staged.mayHaveHoles = true
        clearPrivileges(of: staged, for: caller)
        try await change(staged, turn, "fallocate") { writer async throws(ClientError) in
            if !zeros.isEmpty { try await writer.zero(zeros) }
            if extends, await writer.size < range.upperBound { try await writer.truncate(to: range.upperBound) }
        }
    }
}
