import BlockStore
import Foundation
import Protocol

/// What suites about the small blocks of one disk share.
protocol SmallBlockSuite {
    var temporary: TemporaryDisk { get }
}

extension SmallBlockSuite {
    var folder: String { "\(temporary.path)/small_blocks" }

    var segments: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".segment") }.sorted().map { "\(folder)/\($0)" }
    }

    func open() throws -> BlockDisk { try temporary.open(smallBlockBytes: 64 << 10) }

    func id(_ number: Int) -> BlockID { BlockID(rawValue: UInt64(number) << 8 | 3) }
}
