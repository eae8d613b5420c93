import Protocol
import ShardCore
import TestSupport
import Testing

/// Random lives of a few files: whatever is done to their names and their history, each keeps its number, the number
/// leads to the newest version that is linked, and what was superseded is read until its grace is over.
@Suite("Random histories of versions", .timeLimit(.minutes(3)))
struct VersionHistoryTests {
    private static let grace: UInt64 = 40

    private struct Version {
        var id: InodeID
        var number: InodeID
        /// When its name came to lead to it.
        var time: Timestamp
    }

    private struct Superseded {
        var file: ShardFixture.OpenFile
        var number: InodeID
        var until: UInt64
    }

    private final class Life {
        let shard: ShardFixture
        var random: SeededGenerator
        var cookies: [InodeID: Cookie] = [:]
        /// What each name leads to.
        var names: [String: Version] = [:]
        /// What the history of each name owns, oldest first.
        var history: [String: [Version]] = [:]
        /// Of each number, the versions that were published, last one last, without those that are gone.
        var versions: [InodeID: [InodeID]] = [:]
        var superseded: [Superseded] = []

        init(seed: UInt64) throws {
            shard = try ShardFixture(supersededGrace: VersionHistoryTests.grace * ShardFixture.second)
            random = SeededGenerator(seed: seed)
        }

        private var name: String { "name\(Int.random(in: 0..<4, using: &random))" }

        func step() throws {
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<6: try publish(name)
            case 6: try unlink(name)
            case 7: try rename(name, to: name)
            case 8, 9: try collectHistory(name)
            case 10: try collectSuperseded()
            default: shard.tick(seconds: UInt64.random(in: 1...30, using: &random))
            }
        }

        private func publish(_ name: String) throws {
            let file = try shard.construct()
            cookies[file.id] = file.cookie
            let before = names[name]
            let (isConditional, supersedes) = (random.chance(70), random.chance(60))
            let claim = before.map { random.chance(80) ? $0.number : .null } ?? .null
            let made = try shard.call(
                shard.publishing(
                    file, as: name, over: isConditional ? before?.id ?? .null : nil, number: claim,
                    supersedes: supersedes))
            #expect(made.number == (claim.isNull ? file.id : claim))
            if let before {
                if isConditional, supersedes, !claim.isNull {
                    let until = shard.now.nanoseconds + VersionHistoryTests.grace * ShardFixture.second
                    let old = ShardFixture.OpenFile(id: before.id, cookie: try #require(cookies[before.id]))
                    superseded.append(Superseded(file: old, number: before.number, until: until))
                    versions[before.number]?.removeAll { $0 == before.id }
                } else {
                    history[name, default: []].append(before)
                }
            }
            names[name] = Version(id: file.id, number: made.number, time: made.creationTime)
            versions[made.number, default: []].append(file.id)
        }

        private func unlink(_ name: String) throws {
            guard let version = names.removeValue(forKey: name) else { return }
            try shard.unlink(name, (version.id, version.time))
            history[name, default: []].append(version)
        }

        private func rename(_ name: String, to other: String) throws {
            guard name != other, var version = names.removeValue(forKey: name) else { return }
            let renamed = try shard.call(
                SameDirectoryRenameRequest(
                    targetId: version.id, dirId: .root, oldName: name.bytes, oldCreationTime: version.time,
                    newName: other.bytes))
            version.time = renamed.newCreationTime
            if let replaced = names.updateValue(version, forKey: other) {
                history[other, default: []].append(replaced)
            }
        }

        private func collectHistory(_ name: String) throws {
            guard let count = history[name]?.count, count > 0,
                let version = history[name]?.remove(at: Int.random(in: 0..<count, using: &random))
            else { return }
            try shard.call(
                SameShardHardFileUnlinkRequest(
                    ownerId: .root, targetId: version.id, name: name.bytes, creationTime: version.time))
            try shard.call(RemoveInodeRequest(id: version.id))
            versions[version.number]?.removeAll { $0 == version.id }
        }

        private func collectSuperseded() throws {
            for (index, version) in superseded.enumerated().reversed() {
                let request = RemoveInodeRequest(id: version.file.id)
                if shard.now.nanoseconds + shard.step > version.until {
                    try shard.call(request)
                    superseded.remove(at: index)
                } else {
                    try shard.expect(.deadlineNotPassed, request)
                }
            }
        }

        func check() throws {
            for (name, version) in names {
                #expect(try shard.lookup(name).targetId == version.id)
                #expect(try shard.stat(version.id).number == version.number)
            }
            for version in superseded { #expect(try shard.stat(version.file.id).number == version.number) }
            for (number, known) in versions {
                // The last one published while it is there; after that the first one or none.
                guard let newest = try? shard.newest(number).id else {
                    #expect(!known.contains(number), "\(number) is not found")
                    continue
                }
                #expect(known.contains(newest))
                #expect(newest == known.last || newest == number)
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func lives(seed: UInt64) throws {
        let life = try Life(seed: seed)
        for step in 0..<400 {
            try life.step()
            try life.check()
            if step % 97 == 0 { try life.shard.restart() }
        }
        #expect(!life.versions.isEmpty && life.names.count > 1)
    }
}
