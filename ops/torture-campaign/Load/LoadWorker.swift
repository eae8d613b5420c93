import Foundation

/// A program that uses the mounts: writes, reads and compares, renames, deletes, at random.
struct LoadWorker: ~Copyable {
    private let number: Int
    private let context: LoadContext
    private var random: SeededRandom
    private let verification = Verification()
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)

    init(_ number: Int, _ context: LoadContext, seed: UInt64) {
        self.number = number
        self.context = context
        random = SeededRandom(seed: seed)
    }

    deinit { memory.deallocate() }

    /// Works until the context says that it is over.
    mutating func run() {
        while !context.isOver {
            let began = monotonicSeconds()
            let bytes = step()
            let pause = Double(bytes) / context.bytesPerSecond + 0.005 - (monotonicSeconds() - began)
            if pause > 0 { usleep(useconds_t(min(pause, 5) * 1_000_000)) }
        }
    }

    /// - Returns: what it cost, as bytes written.
    private mutating func step() -> Int {
        let isFull = context.model.bytes > context.mostBytes
        switch Double.random(in: 0..<1, using: &random) {
        case ..<(isFull ? 0 : 0.34): return create()
        case ..<(isFull ? 0.30 : 0.40): return replace()
        case ..<0.80: return verify() / 4
        case ..<0.88: return rename()
        default: return context.model.bytes > context.mostBytes / 2 || random.chance(0.3) ? delete() : 0
        }
    }

    // MARK: Writing

    private mutating func create() -> Int {
        let number = context.model.newNumber()
        let mount = Int.random(in: 0..<context.mounts.count, using: &random)
        let path = newPath(number)
        let content = newContent()
        do {
            try working("write \(path)", in: mount) { worker, root in
                try worker.write(content, to: "\(root)/\(path)", O_CREAT | O_EXCL)
            }
            context.model.add(
                KnownFile(
                    number: number, path: path, content: content, mount: mount, changedSeconds: monotonicSeconds()))
            context.counters.add("files written")
        } catch {
            context.model.doubt(Doubt(what: "writing", outcomes: [[path: nil], [path: content]]), taken: 0)
            failed("write", error)
        }
        return content.size
    }

    private mutating func replace() -> Int {
        guard var file = context.model.take(using: &random) else { return 0 }
        file.mount = context.mount(for: file, using: &random)
        let (content, path) = (newContent(), file.path)
        do {
            try working("replace \(path)", in: file.mount) { worker, root in
                try worker.write(content, to: "\(root)/\(path)", O_TRUNC)
            }
            file.content = content
            file.changedSeconds = monotonicSeconds()
            context.model.giveBack(file)
            context.counters.add("files replaced")
        } catch {
            context.model.doubt(
                Doubt(what: "replacing", outcomes: [[path: file.content], [path: content]]), taken: 1)
            failed("replace", error)
        }
        return content.size
    }

    /// Does something in a mount while the watchdog looks on.
    private mutating func working<R>(
        _ what: String, in mount: Int, _ body: (inout Self, String) throws -> R
    ) throws -> R {
        let context = context
        return try context.watchdog.watching(number, what) {
            try context.mounts.use(mount) { try body(&self, $0) }
        }
    }

    private mutating func write(_ content: Content, to path: String, _ flags: Int32) throws {
        let file = try PosixFile(opening: path, O_WRONLY | flags)
        var offset = 0
        while offset < content.size {
            let length = min(Int.random(in: 1...128, using: &random) * 8192, content.size - offset)
            if !content.isHole(offset..<offset + length) {
                let part = UnsafeMutableRawBufferPointer(rebasing: memory[..<length])
                content.fill(part, at: offset)
                try file.write(UnsafeRawBufferPointer(part), at: offset)
            }
            offset += length
        }
        if content.hasHoles { try file.resize(to: content.size) }
        try file.close()
        context.counters.add("bytes written", content.size)
    }

    private mutating func newContent() -> Content {
        let size: Int
        switch Double.random(in: 0..<1, using: &random) {
        case ..<0.03: size = 0
        case ..<0.08: size = Int.random(in: 1..<256, using: &random)
        case ..<0.25:
            // Many of one size, whose blocks can be mistaken for each other.
            let sizes = [4096, 64 << 10, 1 << 20, 4 << 20, 16 << 20]
            size = min(sizes.randomElement(using: &random) ?? 0, context.largestFileBytes)
        default:
            // Evenly over orders of magnitude, so that there are files of all kinds.
            let exponent = Double.random(in: log(256)...log(Double(context.largestFileBytes)), using: &random)
            size = min(Int(exp(exponent)), context.largestFileBytes)
        }
        return Content(seed: random.next(), size: size)
    }

    // MARK: Reading

    /// - Returns: bytes read.
    private mutating func verify() -> Int {
        guard let file = context.model.take(using: &random) else { return 0 }
        defer { context.model.giveBack(file) }
        let mount = context.mount(for: file, using: &random)
        let began = monotonicSeconds()
        let isWhole = random.chance(0.7)
        do {
            let bytes = try working("read \(file.path)", in: mount) { worker, root in
                isWhole
                    ? try worker.verification.whole("\(root)/\(file.path)", file.content)
                    : try worker.verification.pieces(
                        "\(root)/\(file.path)", file.content, count: 8, using: &worker.random)
            }
            context.counters.add("files verified")
            context.counters.add("bytes verified", bytes)
            return bytes
        } catch let difference as Verification.Difference {
            context.findings.addWrongBytes("\(difference) (file \(file.path), content \(file.content))")
        } catch let error as MountKilled {
            failed("read", error)
        } catch {
            readFailed(file, error, since: began)
        }
        return 0
    }

    /// A read may fail only when more blocks of a span are out of reach than its parity makes up for.
    private func readFailed(_ file: KnownFile, _ error: any Error, since began: Double) {
        guard !context.isOver else { return }
        switch context.judge.judge(file.path, since: began) {
        case .excused(let reason):
            context.counters.add("reads excused")
            context.judge.note("excused: \(error); \(reason)")
        case .guilty(let reason): context.findings.add("a read failed although \(reason): \(error)")
        }
    }

    // MARK: Names

    private mutating func rename() -> Int {
        guard var file = context.model.take(using: &random) else { return 0 }
        let mount = context.mount(for: file, using: &random)
        // Sometimes over another file, which is gone then. Both must be seen as they are through one mount.
        let victim = random.chance(0.2) ? context.model.take(using: &random) : nil
        if let victim, monotonicSeconds() - victim.changedSeconds < 3, victim.mount != mount {
            context.model.giveBack(victim)
            context.model.giveBack(file)
            return 0
        }
        let (old, new) = (file.path, victim?.path ?? newPath(file.number))
        do {
            try working("rename \(old)", in: mount) { _, root in
                guard Glibc.rename("\(root)/\(old)", "\(root)/\(new)") == 0 else {
                    throw PosixError.last("rename \(old) to \(new)")
                }
            }
            if victim != nil {
                context.model.drop()
                context.counters.add("files deleted")
            }
            file.path = new
            file.mount = mount
            file.changedSeconds = monotonicSeconds()
            context.model.giveBack(file)
            context.counters.add("files renamed")
        } catch {
            let doubt = Doubt(
                what: "renaming",
                outcomes: [[old: file.content, new: victim?.content], [old: nil, new: file.content]])
            context.model.doubt(doubt, taken: victim == nil ? 1 : 2)
            failed("rename", error)
        }
        return 4096
    }

    private mutating func delete() -> Int {
        guard let file = context.model.take(using: &random) else { return 0 }
        let path = file.path
        do {
            try working("delete \(path)", in: context.mount(for: file, using: &random)) { _, root in
                guard unlink("\(root)/\(path)") == 0 else { throw PosixError.last("unlink \(path)") }
            }
            context.model.drop()
            context.counters.add("files deleted")
        } catch {
            context.model.doubt(Doubt(what: "deleting", outcomes: [[path: file.content], [path: nil]]), taken: 1)
            failed("delete", error)
        }
        return 4096
    }

    private mutating func newPath(_ file: Int) -> String {
        let directory = LoadContext.directories.randomElement(using: &random) ?? ""
        return "\(directory)/f\(file)-\(String(random.next() >> 40, radix: 16))"
    }

    /// Something must not fail unless its mount was killed.
    private func failed(_ what: String, _ error: any Error) {
        if error is MountKilled { return context.counters.add("calls cut off by killed mounts: \(what)") }
        guard !context.isOver else { return }
        context.findings.add("\(what) failed: \(error); \(context.judge.circumstances)")
    }
}
