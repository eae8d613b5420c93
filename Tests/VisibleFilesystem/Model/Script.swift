import Foundation

/// Scripts as text: one step a line, `#` before remarks.
public enum Script {
    public static func text(_ steps: [Step]) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return steps.map { step in
            // A step is numbers, words and names: all of that can be encoded.
            (try? encoder.encode(step)).map { String(decoding: $0, as: UTF8.self) } ?? "# \(step)"
        }.joined(separator: "\n")
    }

    public static func steps(_ text: String) throws -> [Step] {
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        return try lines.map { try JSONDecoder().decode(Step.self, from: Data($0.utf8)) }
    }

    /// What makes a failing script simpler as a whole, for `Shrinker`.
    public static let rewrites: [@Sendable ([Step]) -> [Step]] = [
        { $0.map { Step(0, $0.call, as: $0.user) } },
        { $0.map { Step($0.process == 1 ? 0 : $0.process, $0.call, as: $0.user) } },
        { $0.map { Step($0.process, $0.call) } },
        { $0.map { Step($0.process, $0.call, as: $0.user == .bob ? .alice : $0.user) } },
        { $0.map { $0.renaming { FilesystemModel.names.contains($0) ? "a" : $0 } } },
        { $0.map { $0.renaming { String($0.suffix(1)) } } },
        { $0.map { $0.counting { min($0, 1) } } },
        { $0.map { $0.counting { min($0, 4096) } } },
        { $0.map { $0.setting { $0 & 0o777 } } },
        { $0.map { $0.setting { $0 & 0o7000 | 0o644 } } },
        { $0.map { $0.counting { $0 < 4096 ? $0 : $0 & ~4095 } } },
    ]
}

extension Step {
    fileprivate func renaming(_ rule: (String) -> String) -> Step {
        let call: Call =
            switch call {
            case .open(let slot, let name, let access, let flags, let mode):
                .open(slot: slot, name: rule(name), access: access, flags: flags, mode: mode)
            case .truncate(let name, let size): .truncate(name: rule(name), size: size)
            case .stat(let name): .stat(name: rule(name))
            case .readAll(let name): .readAll(name: rule(name))
            case .rename(let from, let to, let replaces): .rename(from: rule(from), to: rule(to), replaces: replaces)
            case .unlink(let name): .unlink(name: rule(name))
            case .mkdir(let name, let mode): .mkdir(name: rule(name), mode: mode)
            case .rmdir(let name): .rmdir(name: rule(name))
            case .symlink(let name): .symlink(name: rule(name))
            case .chmod(let target, let mode): .chmod(target.renaming(rule), mode: mode)
            case .chown(let target, let owner, let group): .chown(target.renaming(rule), owner: owner, group: group)
            case .setTimes(let target, let accessed, let modified):
                .setTimes(target.renaming(rule), accessed: accessed, modified: modified)
            case .setExtended(let target, let name, let tag, let count, let use):
                .setExtended(target.renaming(rule), name: name, tag: tag, count: count, use: use)
            case .removeExtended(let target, let name): .removeExtended(target.renaming(rule), name: name)
            case .extended(let target): .extended(target.renaming(rule))
            case .setList(let target, let kind, let list): .setList(target.renaming(rule), kind, list)
            case .access(let name, let rights): .access(name: rule(name), rights: rights)
            default: self.call
            }
        return Step(process, call, as: user)
    }

    /// With other modes.
    fileprivate func setting(_ rule: (Int) -> Int) -> Step {
        let call: Call =
            switch call {
            case .open(let slot, let name, let access, let flags, let mode):
                .open(slot: slot, name: name, access: access, flags: flags, mode: mode.map(rule))
            case .mkdir(let name, let mode): .mkdir(name: name, mode: rule(mode))
            case .chmod(let target, let mode): .chmod(target, mode: rule(mode))
            default: self.call
            }
        return Step(process, call, as: user)
    }

    /// With other offsets, counts and sizes.
    fileprivate func counting(_ rule: (Int) -> Int) -> Step {
        let call: Call =
            switch call {
            case .read(let slot, let count): .read(slot: slot, count: rule(count))
            case .pread(let slot, let count, let offset): .pread(slot: slot, count: rule(count), offset: rule(offset))
            case .write(let slot, let tag, let count): .write(slot: slot, tag: tag, count: rule(count))
            case .pwrite(let slot, let tag, let count, let offset):
                .pwrite(slot: slot, tag: tag, count: rule(count), offset: rule(offset))
            case .ftruncate(let slot, let size): .ftruncate(slot: slot, size: rule(size))
            case .truncate(let name, let size): .truncate(name: name, size: rule(size))
            case .fallocate(let slot, let mode, let offset, let count):
                .fallocate(slot: slot, mode: mode, offset: rule(offset), count: rule(count))
            case .store(let mapping, let tag, let offset, let count):
                .store(mapping: mapping, tag: tag, offset: rule(offset), count: rule(count))
            case .load(let mapping, let offset, let count):
                .load(mapping: mapping, offset: rule(offset), count: rule(count))
            default: self.call
            }
        return Step(process, call, as: user)
    }
}

extension Target {
    fileprivate func renaming(_ rule: (String) -> String) -> Target {
        if case .name(let name) = self { .name(rule(name)) } else { self }
    }
}
