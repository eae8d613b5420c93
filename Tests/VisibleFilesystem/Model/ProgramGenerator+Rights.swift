// Calls about who may do what, and what files have besides bytes.

extension ProgramGenerator {
    mutating func rightsCall(_ process: Int) -> Call {
        switch below(100) {
        case 0..<12:
            let target = target(process)
            return .chmod(target, mode: mode(isDirectory: isDirectory(target)))
        case 12..<18: return .chmod(.name(pick(FilesystemModel.fixedDirectories)), mode: mode(isDirectory: true))
        case 18..<28:
            let target = target(process)
            return switch below(4) {
            case 0: .chown(target, owner: pick(User.allCases).id)
            case 1: .chown(target, owner: pick(User.allCases).id, group: group())
            default: .chown(target, group: group())
            }
        case 28..<35:
            let isTouch = chance(25)
            return .setTimes(
                target(process), accessed: isTouch ? .now : time(), modified: isTouch ? .now : time())
        case 35..<43:
            let use: AttributeUse = chance(70) ? .set : pick([.create, .replace])
            return .setExtended(target(process), name: attribute(), tag: tag(), count: below(60), use: use)
        case 43..<46: return .removeExtended(target(process), name: attribute())
        case 46..<57: return listCall(process)
        case 57..<65: return .extended(target(process))
        case 65..<77:
            let target = target(process)
            if case .slot(let slot) = target { return .fstat(slot: slot) }
            return .stat(name: anyName())
        case 77..<81: return .access(name: anyName(), rights: below(8))
        case 81..<91: return nameCall()
        case 91..<92: return .umask(pick([0o022, 0, 0o002, 0o027, 0o077, 0o777]))
        default: return specialNameCall()
        }
    }

    private mutating func listCall(_ process: Int) -> Call {
        let target = target(process)
        let kind: AccessList.Kind = isDirectory(target) && chance(65) ? .inherited : .access
        return .setList(target, kind, chance(20) ? nil : list())
    }

    /// Of a directory or a symbolic link.
    private mutating func specialNameCall() -> Call {
        let directory = pick(FilesystemModel.directoryNames)
        let link = pick(FilesystemModel.linkNames)
        switch below(12) {
        case 0..<4: return .mkdir(name: directory, mode: mode(isDirectory: true))
        case 4: return .rmdir(name: directory)
        case 5: return .rename(from: directory, to: pick(FilesystemModel.directoryNames), replaces: chance(80))
        case 6..<9: return .symlink(name: link)
        case 9: return .rename(from: link, to: pick(FilesystemModel.linkNames), replaces: chance(80))
        default: return .unlink(name: link)
        }
    }

    // MARK: Of what, and what

    private mutating func target(_ process: Int) -> Target {
        let slots = model.descriptors(process)
        let given = slots.filter { model.description(process, $0)?.isGiven == true }
        if !given.isEmpty, chance(60) { return .slot(pick(given)) }
        if !slots.isEmpty, chance(40) { return .slot(pick(slots)) }
        return .name(anyName())
    }

    private mutating func anyName() -> String {
        switch below(20) {
        case 0..<12: name()
        case 12: "."
        case 13..<16: "d"
        case 16..<18: pick(FilesystemModel.directoryNames)
        default: pick(FilesystemModel.linkNames)
        }
    }

    private func isDirectory(_ target: Target) -> Bool {
        guard case .name(let name) = target else { return false }
        return (FilesystemModel.fixedDirectories + FilesystemModel.directoryNames).contains(name)
    }

    mutating func mode(isDirectory: Bool) -> Int {
        if chance(10) { return below(0o10000) }
        if isDirectory {
            return pick([0o777, 0o2777, 0o1777, 0o1777, 0o3777, 0o3777, 0o2775, 0o755, 0o1775, 0o711, 0o733])
        }
        return pick([0o644, 0o600, 0o640, 0o660, 0o666, 0o755, 0o4755, 0o6777, 0o2755, 0o2644, 0o444, 0o604, 0])
    }

    private mutating func group() -> Int { pick(User.allCases.map(\.group) + [User.sharedGroup, User.sharedGroup]) }

    private mutating func attribute() -> String { pick(["user.a", "user.b", "trusted.a"]) }

    private mutating func time() -> TimeChoice {
        switch below(10) {
        case 0: .now
        case 1: .omit
        case 2: .at(seconds: -below(1_000_000), nanoseconds: 0)
        default: .at(seconds: below(1_600_000_000), nanoseconds: below(1_000_000_000))
        }
    }

    private mutating func list() -> AccessList {
        var list = AccessList(owner: rights(), group: rights(), others: rights())
        if chance(50) { list.users[pick([User.alice, User.bob]).id] = rights() }
        if chance(50) { list.groups[group()] = rights() }
        if !list.users.isEmpty || !list.groups.isEmpty || chance(20) { list.mask = chance(60) ? 7 : rights() }
        return list
    }

    private mutating func rights() -> Int { chance(60) ? pick([7, 6, 4]) : below(8) }
}
