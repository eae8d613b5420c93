import DecoderFuzzing
import Foundation
import StateFuzzing
import Testing

/// Every input that `ops/fuzz` found worth keeping: each reaches code that no other does, or was a finding once.
@Suite(.timeLimit(.minutes(3)))
struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

    @Test(arguments: FuzzTarget.allCases)
    func decoders(_ target: FuzzTarget) throws {
        try feedAll(of: target.rawValue, target.feed)
    }

    @Test(arguments: StateTarget.allCases)
    func states(_ target: StateTarget) throws {
        let count = try feedAll(of: target.rawValue, target.feed)
        #expect(count > 0, "no corpus for \(target.rawValue)")
    }

    @discardableResult
    private func feedAll(of target: String, _ feed: (UnsafeRawBufferPointer) -> String?) throws -> Int {
        let folder = Self.folder.appending(path: target)
        guard FileManager.default.fileExists(atPath: folder.path) else { return 0 }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        for name in names {
            let problem = try Data(contentsOf: folder.appending(path: name)).withUnsafeBytes(feed)
            #expect(problem == nil, "\(target)/\(name)")
        }
        return names.count
    }
}
