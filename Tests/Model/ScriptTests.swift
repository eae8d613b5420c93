import ReferenceModel
import Testing

/// Scripts worth keeping, most of them printed by a failure of `ModelTests`.
@Suite("Scripts against the reference model", .timeLimit(.minutes(1)))
struct ScriptTests {
    static let scripts: [[ModelOperation]] = [
        // A file comes back under its name, and the collector takes the history of both lives.
        [
            .create(file: 0, in: 0, name: 0, size: 5),
            .unlink(in: 0, name: 0, .right),
            .resurrect(in: 0, name: 0, version: 1, to: 0, .right),
            .hardUnlink(in: 0, name: 0, version: 1, .right),
            .forget(in: 0, name: 0, version: 0),
            .forget(in: 0, name: 0, version: 0),
        ],
        // A file that was replaced in another directory dies there.
        [
            .makeDirectory(directory: 1, in: 0, name: 1),
            .create(file: 0, in: 1, name: 0, size: 5),
            .create(file: 1, in: 0, name: 0, size: 0),
            .move(in: 0, name: 0, to: 1, as: 0, .right),
            .unlink(in: 1, name: 0, .right),
            .hardUnlink(in: 1, name: 0, version: 1, .right),
            .hardUnlink(in: 1, name: 0, version: 1, .right),
            .removeFile(file: 0),
            .removeSpan(file: 0),
            .removeFile(file: 0),
        ],
        // Versions that come back while there are others are files of their own.
        [
            .edit(file: 0, in: 0, name: 0, size: 5, .nothing, continues: false, supersedes: false),
            .edit(file: 1, in: 0, name: 0, size: 5, .present, continues: true, supersedes: false),
            .edit(file: 2, in: 0, name: 0, size: 0, .present, continues: true, supersedes: false),
            .resurrect(in: 0, name: 0, version: 2, to: 1, .right),
            .resurrect(in: 0, name: 0, version: 1, to: 0, .right),
            .edit(file: 3, in: 0, name: 1, size: 0, .present, continues: true, supersedes: true),
            .edit(file: 4, in: 0, name: 0, size: 0, .present, continues: true, supersedes: false),
            .hardUnlink(in: 0, name: 0, version: 1, .right),
        ],
        // A version that leaves no snapshot is collected after its grace, one that does with its history.
        [
            .edit(file: 0, in: 0, name: 0, size: 5, .nothing, continues: false, supersedes: false),
            .edit(file: 1, in: 0, name: 0, size: 5, .present, continues: true, supersedes: true),
            .edit(file: 2, in: 0, name: 0, size: 0, .present, continues: true, supersedes: false),
            .removeSpan(file: 0),
            .setTime(file: 0, 7),
            .wait,
            .removeSpan(file: 0),
            .removeFile(file: 0),
            .hardUnlink(in: 0, name: 0, version: 0, .right),
            .unlink(in: 0, name: 0, .right),
            .hardUnlink(in: 0, name: 0, version: 1, .right),
        ],
        // A file that was moved into another shard is edited there and keeps its number.
        [
            .makeDirectory(directory: 1, in: 0, name: 1),
            .edit(file: 0, in: 0, name: 0, size: 5, .nothing, continues: false, supersedes: false),
            .edit(file: 1, in: 0, name: 0, size: 5, .present, continues: true, supersedes: true),
            .move(in: 0, name: 0, to: 1, as: 0, .right),
            .edit(file: 2, in: 1, name: 0, size: 0, .present, continues: true, supersedes: true),
            .edit(file: 3, in: 1, name: 0, size: 0, .present, continues: true, supersedes: true),
            .hardUnlink(in: 1, name: 0, version: 0, .right),
        ],
        // Directories do not move below themselves; removed ones keep the policies they inherited.
        [
            .makeDirectory(directory: 1, in: 0, name: 0),
            .makeDirectory(directory: 2, in: 1, name: 1),
            .setInfo(directory: 1, variant: 3),
            .move(in: 0, name: 0, to: 2, as: 0, .right),
            .removeDirectory(in: 1, name: 1, .right),
            .makeDirectory(directory: 3, in: 2, name: 0),
            .hardUnlinkDirectory(directory: 2),
            .hardUnlinkDirectory(directory: 2),
        ],
    ]

    @Test(arguments: scripts.indices) func passes(_ index: Int) throws {
        if let failure = try ModelRun.report(Self.scripts[index]) { Issue.record("\(failure.text)") }
    }
}
