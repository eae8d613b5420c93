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
        let (number, watchdog) = (number, context.watchdog)
        let file = context.model.newNumber()
        let mount = Int.random(in: 0..<context.mounts.count, using: &random)
        let path = newPath(file)
        let content = newContent()
        do {
            try watchdog.watching(number, "write \(path)") {
                try write(content, to: absolute(path, mount), O_CREAT | O_EXCL)
            }
            context.model.add(
                KnownFile(
                    number: file, path: path, content: content, mount: mount, changedSeconds: monotonicSeconds()))
            context.counters.add("files written")
        } catch {
            context.model.doubt(path)
            failed("write", error)
        }
        return content.size
    }

    private mutating func replace() -> Int {
        let (number, watchdog) = (number, context.watchdog)
        guard var file = context.model.take(using: &random) else { return 0 }
        file.mount = context.mount(for: file, using: &random)
        let content = newContent()
        do {
            try watchdog.watching(number, "replace \(file.path)") {
                try write(content, to: absolute(file.path, file.mount), O_TRUNC)
            }
            file.content = content
            file.changedSeconds = monotonicSeconds()
            context.model.giveBack(file)
            context.counters.add("files replaced")
        } catch {
            context.model.lose([file.path])
            failed("replace", error)
        }
        return content.size
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
        let (number, watchdog) = (number, context.watchdog)
        guard let file = context.model.take(using: &random) else { return 0 }
        defer { context.model.giveBack(file) }
        let path = absolute(file.path, context.mount(for: file, using: &random))
        let began = monotonicSeconds()
        let isWhole = random.chance(0.7)
        do {
            let bytes = try watchdog.watching(number, "read \(path)") {
                isWhole
                    ? try verification.whole(path, file.content)
                    : try verification.pieces(path, file.content, count: 8, using: &random)
            }
            context.counters.add("files verified")
            context.counters.add("bytes verified", bytes)
            return bytes
        } catch let difference as Verification.Difference {
            context.findings.addWrongBytes("\(difference) (file \(file.path), content \(file.content))")
        } catch {
            readFailed(file, error, since: began)
        }
        return 0
    }

    /// A read may fail only when more blocks of a span are out of reach than its parity makes up for.
    private func readFailed(_ file: KnownFile, _ error: any Error, since began: Double) {
        guard !context.isOver else { return }
        if let excuse = context.judge.excuse(for: file.path, since: began) {
            context.counters.add("reads excused")
            context.judge.note("excused: \(error); \(excuse)")
        } else {
            context.findings.add("a read failed although enough blocks are in reach: \(error)")
        }
    }

    // MARK: Names

    private mutating func rename() -> Int {
        let (number, watchdog) = (number, context.watchdog)
        guard var file = context.model.take(using: &random) else { return 0 }
        let mount = context.mount(for: file, using: &random)
        // Sometimes over another file, which is gone then. Both must be seen as they are through one mount.
        let victim = random.chance(0.2) ? context.model.take(using: &random) : nil
        if let victim, monotonicSeconds() - victim.changedSeconds < 3, victim.mount != mount {
            context.model.giveBack(victim)
            context.model.giveBack(file)
            return 0
        }
        let path = victim?.path ?? newPath(file.number)
        do {
            try watchdog.watching(number, "rename \(file.path)") {
                guard Glibc.rename(absolute(file.path, mount), absolute(path, mount)) == 0 else {
                    throw PosixError.last("rename \(file.path) to \(path)")
                }
            }
            if victim != nil {
                context.model.drop()
                context.counters.add("files deleted")
            }
            file.path = path
            file.mount = mount
            file.changedSeconds = monotonicSeconds()
            context.model.giveBack(file)
            context.counters.add("files renamed")
        } catch {
            if victim != nil { context.model.drop() }
            context.model.lose([file.path, path])
            failed("rename", error)
        }
        return 4096
    }

    private mutating func delete() -> Int {
        let (number, watchdog) = (number, context.watchdog)
        guard let file = context.model.take(using: &random) else { return 0 }
        let path = absolute(file.path, context.mount(for: file, using: &random))
        do {
            try watchdog.watching(number, "delete \(file.path)") {
                guard unlink(path) == 0 else { throw PosixError.last("unlink \(path)") }
            }
            context.model.drop()
            context.counters.add("files deleted")
        } catch {
            context.model.lose([file.path])
            failed("delete", error)
        }
        return 4096
    }

    private mutating func newPath(_ file: Int) -> String {
        let directory = LoadContext.directories.randomElement(using: &random) ?? ""
        return "\(directory)/f\(file)-\(String(random.next() >> 40, radix: 16))"
    }

    private func absolute(_ path: String, _ mount: Int) -> String { "\(context.mounts[mount])/\(path)" }

    private func failed(_ what: String, _ error: any Error) {
        guard !context.isOver else { return }
        context.findings.add("\(what) failed: \(error); \(context.judge.circumstances)")
    }
}
