import Foundation

extension FilesystemModel {
    static let pageBytes = 4096

    mutating func map(
        _ process: Int, _ slot: Int, _ descriptor: Int, _ offset: Int, _ count: Int, _ writes: Bool
    ) -> ExpectedReply? {
        guard capabilities.contains(.sharedMappings), let description = usable(process, descriptor),
            processes[process]?.mappings[slot] == nil, offset >= 0, offset % Self.pageBytes == 0, count > 0
        else { return nil }
        guard description.access.canRead, !writes || description.access.canWrite else {
            return .reply(.failed(errno: EACCES))
        }
        attributes[description.file]?.accessed = .unknown
        processes[process]?.mappings[slot] = Mapping(
            file: description.file, mount: description.mount, offset: offset, count: count, writes: writes)
        return .reply(.done)
    }

    /// Where in its file a part of a mapping is; nil: there is nothing to be touched.
    private func part(_ process: Int, _ slot: Int, _ offset: Int, _ count: Int) -> (mapping: Mapping, Range<Int>)? {
        guard let mapping = processes[process]?.mappings[slot], !mapping.isStale, offset >= 0, count > 0,
            offset + count <= mapping.count,
            let size = mounts[mapping.mount].nodes[mapping.file]?.content.count
        else { return nil }
        let start = mapping.offset + offset
        // Pages beyond the end cannot be touched, and what is stored behind it in its page is lost.
        return start + count <= size ? (mapping, start..<start + count) : nil
    }

    mutating func store(_ process: Int, _ slot: Int, _ tag: Int, _ offset: Int, _ count: Int) -> ExpectedReply? {
        guard let (mapping, range) = part(process, slot, offset, count), mapping.writes else { return nil }
        // Nothing says whether it takes them, and when.
        guard !hasProgramRights(mapping.file, on: mapping.mount) else { return nil }
        let bytes = Pattern.bytes(tag, count)
        let isChanged = change(mapping.file, on: mapping.mount, by: process, .edit) {
            $0.put(bytes, at: range.lowerBound)
        }
        attributes[mapping.file]?.modified = .unknown
        return isChanged ? .reply(.done) : nil
    }

    func load(_ process: Int, _ slot: Int, _ offset: Int, _ count: Int) -> ExpectedReply? {
        guard let (mapping, range) = part(process, slot, offset, count),
            let content = mounts[mapping.mount].nodes[mapping.file]?.content
        else { return nil }
        return .reply(.bytes(Data(content[range])))
    }

    mutating func msync(_ process: Int, _ slot: Int) -> ExpectedReply? {
        guard let mapping = processes[process]?.mappings[slot], !mapping.isStale, mapping.writes else { return nil }
        synchronize(mapping.file, on: mapping.mount)
        return .reply(.done)
    }

    mutating func unmap(_ process: Int, _ slot: Int) -> ExpectedReply? {
        guard let mapping = processes[process]?.mappings[slot] else { return nil }
        processes[process]?.mappings[slot] = nil
        released(mapping.file, on: mapping.mount, by: process, wrote: mapping.writes)
        return .reply(.done)
    }
}
