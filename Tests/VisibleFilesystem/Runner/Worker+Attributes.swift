import CLinux
import Foundation
import SystemCalls
import VisibleFilesystem

extension Worker {
    /// A path, or a descriptor.
    private typealias Place = (path: String?, descriptor: Int32)

    private func place(_ target: Target) -> Place {
        switch target {
        case .name(let name): (name, -1)
        case .slot(let slot): (nil, descriptor(slot))
        }
    }

    /// Does what follows as somebody else.
    func become(_ user: User) throws {
        guard user != self.user else { return }
        let groups = user.otherGroups.map { UInt32($0) }
        guard program_become(UInt32(user.id), UInt32(user.group), groups, Int32(groups.count)) == 0 else {
            throw RunFailure.call("become \(user)")
        }
        _ = linux_set_parent_death_signal(SIGKILL)
        self.user = user
    }

    func chmod(_ target: Target, _ mode: Int) -> Reply {
        let place = place(target)
        let bits = mode_t(mode)
        return result(place.path.map { Glibc.chmod($0, bits) } ?? fchmod(place.descriptor, bits))
    }

    func chown(_ target: Target, _ owner: Int?, _ group: Int?) -> Reply {
        let place = place(target)
        let (owner, group) = (owner.map { uid_t($0) } ?? .max, group.map { gid_t($0) } ?? .max)
        return result(place.path.map { lchown($0, owner, group) } ?? fchown(place.descriptor, owner, group))
    }

    func setTimes(_ target: Target, _ accessed: TimeChoice, _ modified: TimeChoice) -> Reply {
        let place = place(target)
        return result(program_set_times(place.path, place.descriptor, [accessed.timespec, modified.timespec]))
    }

    func setExtended(_ target: Target, _ name: String, _ value: Data, _ use: AttributeUse = .set) -> Reply {
        let place = place(target)
        return value.withUnsafeBytes {
            result(program_set_attribute(place.path, place.descriptor, name, $0.baseAddress, $0.count, use.flags))
        }
    }

    func removeExtended(_ target: Target, _ name: String) -> Reply {
        let place = place(target)
        return result(program_remove_attribute(place.path, place.descriptor, name))
    }

    /// All of them, or the first error.
    func extended(_ target: Target) -> Reply {
        let place = place(target)
        var all: [String: Data] = [:]
        let names = bytes(1 << 16) {
            Int(program_list_attributes(place.path, place.descriptor, $0?.assumingMemoryBound(to: CChar.self), 1 << 16))
        }
        guard case .bytes(let names) = names else { return names }
        for name in names.split(separator: 0).map({ String(decoding: $0, as: UTF8.self) }) {
            let value = bytes(1 << 16) {
                Int(program_get_attribute(place.path, place.descriptor, name, $0, 1 << 16))
            }
            guard case .bytes(let value) = value else { return value }
            all[name] = value
        }
        return .extended(all)
    }
}

extension TimeChoice {
    /// With UTIME_NOW and UTIME_OMIT.
    fileprivate var timespec: timespec {
        switch self {
        case .now: Glibc.timespec(tv_sec: 0, tv_nsec: (1 << 30) - 1)
        case .omit: Glibc.timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2)
        case .at(let seconds, let nanoseconds): Glibc.timespec(tv_sec: seconds, tv_nsec: nanoseconds)
        }
    }
}

extension AttributeUse {
    /// XATTR_CREATE and XATTR_REPLACE.
    fileprivate var flags: Int32 {
        switch self {
        case .set: 0
        case .create: 1
        case .replace: 2
        }
    }
}
