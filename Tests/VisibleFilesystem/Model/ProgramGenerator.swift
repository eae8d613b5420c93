import TestSupport

/// Random programs, the same for the same seed. Each step is one about which the model has something to say.
public struct ProgramGenerator {
    private var random: SeededGenerator
    private let capabilities: Capabilities
    var model: FilesystemModel
    /// Half of the programs are about who may do what, as several users; the others are root's.
    private let isAboutRights: Bool
    private var lastTag = 0
    /// Where spans end in the directory of the script, which is where mistakes are.
    private let spanBytes: Int

    public init(seed: UInt64, _ capabilities: Capabilities, spanBytes: Int) {
        random = SeededGenerator(seed: seed)
        self.capabilities = capabilities
        self.spanBytes = spanBytes
        model = FilesystemModel(capabilities)
        let isHead = random.chance(50)
        isAboutRights = isHead && capabilities.contains(.permissions)
    }

    /// A script of so many steps.
    public mutating func script(_ count: Int) -> [Step] {
        var steps: [Step] = []
        var attempts = 0
        while steps.count < count, attempts < 200 * count {
            attempts += 1
            let step = proposal()
            var after = model
            guard let expectation = after.perform(step) else { continue }
            // Where there is nothing, or somebody may do nothing, most of it is not worth doing.
            if expectation.isFutile, chance(50) { continue }
            model = after
            steps.append(step)
        }
        return steps
    }

    private mutating func proposal() -> Step {
        if chance(3), capabilities.contains(.secondMount) {
            return Step(model.activeMount == 0 ? 2 : 0, .handOver)
        }
        let process = capabilities.contains(.secondMount) && model.activeMount == 1 ? 2 : chance(70) ? 0 : 1
        // Whoever has it open elsewhere is its owner no more.
        if isAboutRights, let name = model.nameHeldElsewhere, chance(8) {
            return Step(process, .chown(.name(name), owner: pick(User.allCases).id))
        }
        let user: User = isAboutRights && !chance(40) ? (chance(65) ? .alice : .bob) : .root
        return Step(process, call(process), as: user)
    }

    private mutating func call(_ process: Int) -> Call {
        let slots = model.descriptors(process)
        let mappings = model.mappings(process)
        if capabilities.contains(.permissions), chance(isAboutRights ? 45 : 8) { return rightsCall(process) }
        switch below(100) {
        case 0..<1: return .kill
        case 1..<2: return chance(30) ? .crash : .list
        case 2..<7: return nameCall()
        case 7..<13: return chance(50) ? .readAll(name: name()) : .stat(name: name())
        case 13..<28: return open()
        case 28..<48 where !mappings.isEmpty: return mappingCall(pick(mappings), process)
        default: return slots.isEmpty ? open() : descriptorCall(pick(slots), process)
        }
    }

    mutating func nameCall() -> Call {
        switch below(4) {
        case 0: .unlink(name: name())
        case 1: .truncate(name: name(), size: offset(100_000))
        default: .rename(from: name(), to: name(), replaces: chance(80))
        }
    }

    private mutating func open() -> Call {
        var flags: [OpenFlag] = []
        if chance(60) { flags.append(.create) }
        if chance(8) { flags.append(.exclusive) }
        if chance(20) { flags.append(.truncate) }
        if chance(30) { flags.append(.append) }
        let access: Access = chance(45) ? .both : chance(60) ? .writes : .reads
        let mode = isAboutRights && chance(60) ? mode(isDirectory: false) : nil
        return .open(slot: below(4), name: name(), access: access, flags: flags, mode: mode)
    }

    private mutating func descriptorCall(_ slot: Int, _ process: Int) -> Call {
        let size = model.size(process, slot)
        switch below(100) {
        case 0..<22: return .pwrite(slot: slot, tag: tag(), count: count(), offset: offset(size))
        case 22..<36: return .write(slot: slot, tag: tag(), count: count())
        case 36..<50: return .pread(slot: slot, count: count(), offset: offset(size))
        case 50..<55: return .read(slot: slot, count: count())
        case 55..<59: return .seek(slot: slot, from: pick(Whence.allCases), offset: chance(20) ? -1 : offset(size))
        case 59..<61: return .find(slot: slot, pick(Sought.allCases), offset: offset(size))
        case 61..<68: return .ftruncate(slot: slot, size: offset(size))
        case 68..<74:
            return .fallocate(slot: slot, mode: pick(Allocation.allCases), offset: offset(size), count: count())
        case 74..<80: return .fsync(slot: slot)
        case 80..<83: return .fstat(slot: slot)
        case 83..<86: return .dup(slot: slot, to: below(4))
        case 86..<94:
            // Behind its end nothing of a mapping can be touched.
            let start = (chance(80) ? below(max(size, 1)) : offset(size)) & ~4095
            return .map(
                slot: below(2), descriptor: slot, offset: start, count: max(count(), 1), writes: chance(80))
        default: return .close(slot: slot)
        }
    }

    private mutating func mappingCall(_ mapping: Int, _ process: Int) -> Call {
        let length = model.mappedBytes(process, mapping)
        let start = below(max(length, 1))
        let part = min(max(count(), 1), max(length - start, 1))
        switch below(20) {
        case 0..<9: return .store(mapping: mapping, tag: tag(), offset: start, count: part)
        case 9..<14: return .load(mapping: mapping, offset: start, count: part)
        case 14..<17: return .msync(mapping: mapping)
        default: return .unmap(mapping: mapping)
        }
    }

    // MARK: Numbers

    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

    mutating func chance(_ percent: Int) -> Bool { random.chance(percent) }

    mutating func pick<Element>(_ elements: [Element]) -> Element { random.pick(elements) }

    mutating func name() -> String { pick(FilesystemModel.names) }

    mutating func tag() -> Int {
        lastTag += 1
        return lastTag
    }

    private mutating func count() -> Int {
        switch below(10) {
        case 0: below(4)
        case 1..<4: below(5000)
        case 4..<5: 4096
        case 5..<8: below(2 * spanBytes)
        case 8: spanBytes + below(3) - 1
        default: below(4 * spanBytes)
        }
    }

    /// Around what matters to a file of this size.
    private mutating func offset(_ size: Int) -> Int {
        let near: Int
        switch below(10) {
        case 0: near = 0
        case 1..<4: near = size
        case 4..<6: near = spanBytes * below(6)
        case 6: near = 4096 * below(64)
        default: return below(max(size, 1))
        }
        return max(0, near + (chance(50) ? 0 : below(9) - 4))
    }
}

extension FilesystemModel {
    /// Slots of descriptors that a process has open.
    func descriptors(_ process: Int) -> [Int] { processes[process].map { $0.descriptors.keys.sorted() } ?? [] }

    func mappings(_ process: Int) -> [Int] { processes[process].map { $0.mappings.keys.sorted() } ?? [] }

    func size(_ process: Int, _ slot: Int) -> Int {
        description(process, slot).flatMap { content(of: $0.file, on: $0.mount)?.count } ?? 0
    }

    /// The name of a file that somebody has open on the other mount.
    var nameHeldElsewhere: String? {
        clusterNames.filter { name in
            descriptions.values.contains { $0.file == name.value && $0.mount != activeMount }
        }.keys.min()
    }

    /// How much of a mapping can be touched: what lies behind the end of its file cannot.
    func mappedBytes(_ process: Int, _ slot: Int) -> Int {
        guard let mapping = processes[process]?.mappings[slot],
            let size = mounts[mapping.mount].nodes[mapping.file]?.content.count
        else { return 0 }
        return min(mapping.count, max(size - mapping.offset, 0))
    }
}
