import Foundation

/// Makes, moves and removes directories and small files in a tree of its own, and looks whether all of it is there.
struct NameWorker {
    private let number: Int
    private let context: LoadContext
    private var random: SeededRandom
    private var tree: NameTree?
    private var trees = 0
    private var names = 0
    /// The mount through which the tree was changed last, and when.
    private var mount = 0
    private var changedSeconds = 0.0

    private static let deepest = 4
    private static let mostNames = 60
    /// Small enough to be kept by shards.
    private static let mostBytes = 200

    init(_ number: Int, _ context: LoadContext, seed: UInt64) {
        self.number = number
        self.context = context
        random = SeededRandom(seed: seed)
    }

    mutating func step() {
        // Others may see what was there before for about a second.
        if monotonicSeconds() - changedSeconds > 3 { mount = Int.random(in: 0..<context.mounts.count, using: &random) }
        guard let tree else { return begin() }
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<3: makeDirectory(tree)
        case 3: removeDirectory(tree)
        case 4..<6: moveDirectory(tree)
        case 6..<8: makeFile(tree)
        case 8..<10: moveFile(tree)
        case 10: removeFile(tree)
        default: compare(tree)
        }
    }

    /// The last thing to do.
    mutating func end() {
        if let tree { context.names.close(tree) }
        tree = nil
    }

    // MARK: Changes

    private mutating func begin() {
        trees += 1
        let new = NameTree(root: "names-\(number)-\(trees)")
        change("mkdir", nil, new, root: new.root) { mount in
            guard mkdir("\(mount)/\(new.root)", 0o755) == 0 else { throw PosixError.last("mkdir \(new.root)") }
        }
    }

    private mutating func makeDirectory(_ tree: NameTree) {
        let parents = tree.directories.filter { NameTree.depth($0) < Self.deepest }.sorted()
        guard tree.directories.count + tree.files.count < Self.mostNames,
            let parent = parents.randomElement(using: &random)
        else { return }
        let path = NameTree.path(newName("d"), in: parent)
        var after = tree
        after.makeDirectory(path)
        change("mkdir", tree, after, root: tree.root) { mount in
            guard mkdir("\(mount)/\(tree.full(path))", 0o755) == 0 else { throw PosixError.last("mkdir \(path)") }
        }
    }

    private mutating func removeDirectory(_ tree: NameTree) {
        let empty = tree.directories.filter { !$0.isEmpty && tree.isEmpty($0) }.sorted()
        guard let path = empty.randomElement(using: &random) else { return }
        var after = tree
        after.removeDirectory(path)
        change("rmdir", tree, after, root: tree.root) { mount in
            guard rmdir("\(mount)/\(tree.full(path))") == 0 else { throw PosixError.last("rmdir \(path)") }
        }
    }

    private mutating func moveDirectory(_ tree: NameTree) {
        guard let old = tree.directories.filter({ !$0.isEmpty }).sorted().randomElement(using: &random) else { return }
        let parents = tree.directories.filter {
            $0 != old && !$0.hasPrefix(old + "/") && NameTree.depth($0) < Self.deepest
        }
        guard let parent = parents.sorted().randomElement(using: &random) else { return }
        move(tree, old, to: NameTree.path(newName("d"), in: parent), "rename of a directory")
    }

    private mutating func makeFile(_ tree: NameTree) {
        guard tree.directories.count + tree.files.count < Self.mostNames,
            let parent = tree.directories.sorted().randomElement(using: &random)
        else { return }
        let path = NameTree.path(newName("f"), in: parent)
        let content = Content(seed: random.next(), size: Int.random(in: 0...Self.mostBytes, using: &random))
        var bytes = [UInt8](repeating: 0, count: content.size)
        bytes.withUnsafeMutableBytes { content.fill($0, at: 0) }
        var after = tree
        after.makeFile(path, bytes)
        change("file", tree, after, root: tree.root) { [bytes] mount in
            let file = try PosixFile(opening: "\(mount)/\(tree.full(path))", O_WRONLY | O_CREAT | O_EXCL)
            try bytes.withUnsafeBytes { try file.write($0, at: 0) }
            try file.close()
        }
    }

    private mutating func moveFile(_ tree: NameTree) {
        guard let old = tree.files.keys.sorted().randomElement(using: &random),
            let parent = tree.directories.sorted().randomElement(using: &random)
        else { return }
        move(tree, old, to: NameTree.path(newName("f"), in: parent), "rename of a small file")
    }

    private mutating func removeFile(_ tree: NameTree) {
        guard let path = tree.files.keys.sorted().randomElement(using: &random) else { return }
        var after = tree
        after.removeFile(path)
        change("unlink", tree, after, root: tree.root) { mount in
            guard unlink("\(mount)/\(tree.full(path))") == 0 else { throw PosixError.last("unlink \(path)") }
        }
    }

    private mutating func move(_ tree: NameTree, _ old: String, to new: String, _ what: String) {
        var after = tree
        after.move(old, to: new)
        change(what, tree, after, root: tree.root) { mount in
            guard rename("\(mount)/\(tree.full(old))", "\(mount)/\(tree.full(new))") == 0 else {
                throw PosixError.last("rename \(old) to \(new)")
            }
        }
    }

    /// Does one change; when it fails, the tree is left to the judge and another one begun.
    private mutating func change(
        _ what: String, _ before: NameTree?, _ after: NameTree?, root: String, _ body: (String) throws -> Void
    ) {
        do {
            try context.watchdog.watching(number + Watchdog.names, "\(what) in \(root)") {
                try context.mounts.use(mount, body)
            }
            tree = after
            changedSeconds = monotonicSeconds()
            context.counters.add("names: \(what)")
        } catch {
            context.names.doubt(what, root, before: before, after: after)
            tree = nil
            failed(what, error)
        }
    }

    // MARK: Looking

    private mutating func compare(_ tree: NameTree) {
        do {
            let found = try context.watchdog.watching(number + Watchdog.names, "list \(tree.root)") {
                try context.mounts.use(mount) { try NameTree.read(tree.root, mount: $0) }
            }
            context.counters.add("names: trees compared")
            if let fault = NameJudge.fault(found, .init(root: tree.root, what: nil, outcomes: [tree])) {
                context.findings.addLoss(of: tree.root, "names through mount \(mount): \(fault)")
                self.tree = nil
            }
        } catch {
            failed("listing of \(tree.root)", error)
        }
    }

    private mutating func newName(_ kind: String) -> String {
        names += 1
        return "\(kind)\(names)"
    }

    private func failed(_ what: String, _ error: any Error) {
        if error is MountKilled { return context.counters.add("calls cut off by killed mounts: names") }
        guard !context.isOver else { return }
        context.findings.add("\(what) failed: \(error); \(context.judge.circumstances)")
    }
}
