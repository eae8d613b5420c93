import Foundation
import SystemCalls
import VisibleFilesystem

/// A process of a script: carries out one call for each line that comes in, and writes what it answered. It is killed
/// when that is due; all that is left then is the kernel's business.
final class Worker {
    /// As whom calls are made now.
    var user = User.root
    private var descriptors: [Int: Int32] = [:]
    private var mappings: [Int: UnsafeMutableRawBufferPointer] = [:]

    /// - Parameter root: where names lie. The way to it need not be open to everybody.
    init(root: String) throws {
        guard chdir(root) == 0 else { throw RunFailure.call("go to \(root)") }
        _ = umask(0o022)
    }

    func run() throws {
        while let line = readLine() {
            let step = try JSONDecoder().decode(Step.self, from: Data(line.utf8))
            try become(step.user)
            let reply = try JSONEncoder().encode(perform(step.call)) + [UInt8(ascii: "\n")]
            FileHandle.standardOutput.write(reply)
        }
    }

    private func perform(_ call: Call) -> Reply {
        switch call {
        case .open(let slot, let name, let access, let flags, let mode): open(slot, name, access, flags, mode)
        case .dup(let slot, let copy): keep(Glibc.dup(descriptor(slot)), copy)
        case .close(let slot): result(Glibc.close(descriptors.removeValue(forKey: slot) ?? -1))
        case .read(let slot, let count): bytes(count) { Glibc.read(descriptor(slot), $0, count) }
        case .pread(let slot, let count, let offset):
            bytes(count) { Glibc.pread(descriptor(slot), $0, count, offset) }
        case .write(let slot, let tag, let count):
            number(Glibc.write(descriptor(slot), Pattern.bytes(tag, count), count))
        case .pwrite(let slot, let tag, let count, let offset):
            number(Glibc.pwrite(descriptor(slot), Pattern.bytes(tag, count), count, offset))
        case .seek(let slot, let whence, let offset): number(lseek(descriptor(slot), offset, whence.code))
        case .find(let slot, let sought, let offset): find(descriptor(slot), sought, offset)
        case .ftruncate(let slot, let size): result(Glibc.ftruncate(descriptor(slot), size))
        case .truncate(let name, let size): result(Glibc.truncate(name, size))
        case .fallocate(let slot, let mode, let offset, let count):
            result(program_fallocate(descriptor(slot), mode.code, Int64(offset), Int64(count)))
        case .fsync(let slot): result(Glibc.fsync(descriptor(slot)))
        case .fstat(let slot): attributes { Glibc.fstat(descriptor(slot), &$0) }
        case .stat(let name): attributes { Glibc.lstat(name, &$0) }
        case .readAll(let name): readAll(name)
        case .list: list()
        case .rename(let from, let to, let replaces): rename(from, to, replaces)
        case .unlink(let name): result(Glibc.unlink(name))
        case .mkdir(let name, let mode): result(Glibc.mkdir(name, mode_t(mode)))
        case .rmdir(let name): result(Glibc.rmdir(name))
        case .symlink(let name): result(Glibc.symlink("target", name))
        case .umask(let mask):
            Glibc.umask(mode_t(mask)) <= 0o777 ? .done : missing
        case .chmod(let target, let mode): chmod(target, mode)
        case .chown(let target, let owner, let group): chown(target, owner, group)
        case .setTimes(let target, let accessed, let modified): setTimes(target, accessed, modified)
        case .setExtended(let target, let name, let tag, let count, let use):
            setExtended(target, name, Data(Pattern.bytes(tag, count)), use)
        case .removeExtended(let target, let name): removeExtended(target, name)
        case .extended(let target): extended(target)
        case .setList(let target, let kind, let list):
            list.map { setExtended(target, kind.attribute, $0.bytes) } ?? removeExtended(target, kind.attribute)
        case .access(let name, let rights): result(program_access(name, Int32(rights)))
        case .map(let slot, let source, let offset, let count, let writes):
            map(slot, descriptor(source), offset, count, writes)
        case .store(let mapping, let tag, let offset, let count): store(mapping, Pattern.bytes(tag, count), offset)
        case .load(let mapping, let offset, let count): load(mapping, offset..<offset + count)
        case .msync(let mapping):
            mappings[mapping].map { result(Glibc.msync($0.baseAddress, $0.count, Int32(MS_SYNC))) } ?? missing
        case .unmap(let mapping):
            mappings.removeValue(forKey: mapping).map { result(munmap($0.baseAddress, $0.count)) } ?? missing
        case .kill, .crash, .handOver: missing
        }
    }

    // MARK: Files

    private func open(_ slot: Int, _ name: String, _ access: Access, _ flags: [OpenFlag], _ mode: Int?) -> Reply {
        let code = flags.reduce(access.code | O_CLOEXEC) { $0 | $1.code }
        return keep(Glibc.open(name, code, mode_t(mode ?? 0o644)), slot)
    }

    private func keep(_ descriptor: Int32, _ slot: Int) -> Reply {
        guard descriptor >= 0 else { return failure }
        descriptors[slot] = descriptor
        return .done
    }

    private func readAll(_ name: String) -> Reply {
        let descriptor = Glibc.open(name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return failure }
        var content = Data()
        while true {
            let part = bytes(100_000) { Glibc.read(descriptor, $0, 100_000) }
            guard case .bytes(let found) = part, !found.isEmpty else {
                let end: Reply = if case .bytes = part { .bytes(content) } else { part }
                return Glibc.close(descriptor) == 0 ? end : failure
            }
            content += found
        }
    }

    private func find(_ descriptor: Int32, _ sought: Sought, _ offset: Int) -> Reply {
        let before = lseek(descriptor, 0, SEEK_CUR)
        let found = number(lseek(descriptor, offset, sought == .data ? 3 : 4))
        return lseek(descriptor, before, SEEK_SET) == before ? found : failure
    }

    private func rename(_ from: String, _ to: String, _ replaces: Bool) -> Reply {
        if replaces { return result(Glibc.rename(from, to)) }
        return result(program_rename_noreplace(from, to))
    }

    private func list() -> Reply {
        guard let own = names("."), let below = names("d") else { return failure }
        return .names((own.filter { $0 != "d" } + below.map { "d/" + $0 }).sorted())
    }

    private func names(_ directory: String) -> [String]? {
        guard let stream = opendir(directory) else { return nil }
        defer { closedir(stream) }
        var found: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            found.append(
                withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return errno == 0 ? found.filter { $0 != "." && $0 != ".." } : nil
    }

    // MARK: Mappings

    private func map(_ slot: Int, _ descriptor: Int32, _ offset: Int, _ count: Int, _ writes: Bool) -> Reply {
        let rights = writes ? PROT_READ | PROT_WRITE : PROT_READ
        guard let start = mmap(nil, count, rights, MAP_SHARED, descriptor, offset), start != MAP_FAILED else {
            return failure
        }
        mappings[slot] = UnsafeMutableRawBufferPointer(start: start, count: count)
        return .done
    }

    private func store(_ mapping: Int, _ bytes: [UInt8], _ offset: Int) -> Reply {
        guard let mapped = mappings[mapping] else { return missing }
        UnsafeMutableRawBufferPointer(rebasing: mapped[offset..<offset + bytes.count]).copyBytes(from: bytes)
        return .done
    }

    private func load(_ mapping: Int, _ range: Range<Int>) -> Reply {
        mappings[mapping].map { .bytes(Data($0[range])) } ?? missing
    }

    // MARK: Answers

    func descriptor(_ slot: Int) -> Int32 { descriptors[slot] ?? -1 }

    private var failure: Reply { .failed(errno: errno) }

    /// Of what the script should not have asked for.
    private var missing: Reply { .failed(errno: EBADF) }

    func result(_ code: Int32) -> Reply { code == 0 ? .done : failure }

    private func number(_ value: Int) -> Reply { value >= 0 ? .number(value) : failure }

    func bytes(_ count: Int, _ read: (UnsafeMutableRawPointer?) -> Int) -> Reply {
        var buffer = [UInt8](repeating: 0, count: count)
        let found = buffer.withUnsafeMutableBytes { read($0.baseAddress) }
        return found >= 0 ? .bytes(Data(buffer[..<found])) : failure
    }

    private func attributes(_ ask: (inout stat) -> Int32) -> Reply {
        var status = stat()
        guard ask(&status) == 0 else { return failure }
        return .attributes(
            size: Int(status.st_size), inode: UInt64(status.st_ino),
            status: Status(
                mode: Int(status.st_mode & 0o7777), owner: Int(status.st_uid), group: Int(status.st_gid),
                modified: Moment(status.st_mtim), accessed: Moment(status.st_atim)))
    }
}

extension Access {
    fileprivate var code: Int32 {
        switch self {
        case .reads: O_RDONLY
        case .writes: O_WRONLY
        case .both: O_RDWR
        }
    }
}

extension OpenFlag {
    fileprivate var code: Int32 {
        switch self {
        case .create: O_CREAT
        case .exclusive: O_EXCL
        case .truncate: O_TRUNC
        case .append: O_APPEND
        }
    }
}

extension Whence {
    fileprivate var code: Int32 {
        switch self {
        case .start: SEEK_SET
        case .current: SEEK_CUR
        case .end: SEEK_END
        }
    }
}

extension Allocation {
    /// FALLOC_FL_KEEP_SIZE, _PUNCH_HOLE and _ZERO_RANGE.
    fileprivate var code: Int32 {
        switch self {
        case .plain: 0
        case .keepSize: 1
        case .punchHole: 3
        case .zeroRange: 0x10
        case .zeroKeepSize: 0x11
        }
    }
}

extension Moment {
    fileprivate init(_ time: timespec) { self.init(seconds: time.tv_sec, nanoseconds: time.tv_nsec) }
}
