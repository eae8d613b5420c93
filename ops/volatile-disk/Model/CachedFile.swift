import Glibc

/// The bytes of a file: what the medium holds, and over it in memory what was written since. The rules of a page cache:
/// a sync that fails leaves its pages readable and clean, so that no later sync writes them.
final class CachedFile {
    static let pageBytes = 4096
    static let sectorBytes = 512

    private struct Page {
        var bytes: [UInt8]
        /// Not written by any sync: one that should have done it failed.
        var isRefused = false
    }

    private let medium: DurableFile
    private(set) var size = 0
    private(set) var durableSize = 0
    /// Bytes of the medium behind it were cut off since.
    private var visibleBytes = 0
    private var pages: [Int: Page] = [:]
    private var isSizeDirty = false

    init(_ medium: DurableFile) { self.medium = medium }

    private init(_ medium: DurableFile, durableSize: Int) {
        self.medium = medium
        size = durableSize
        self.durableSize = durableSize
        visibleBytes = durableSize
    }

    var dirtyPages: Int { pages.values.count { !$0.isRefused } }
    /// Cheap when there are few.
    func dirtyPagesExceed(_ most: Int) -> Bool { pages.count > most && dirtyPages > most }
    var isDirty: Bool { isSizeDirty || visibleBytes < durableSize || pages.values.contains { !$0.isRefused } }

    // MARK: As programs see it

    /// - Returns: how many bytes there were.
    func read(_ target: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        let count = max(0, min(target.count, size - offset))
        guard count > 0 else { return 0 }
        let fromMedium = max(0, min(count, visibleBytes - offset))
        if fromMedium > 0 { try medium.read(.init(rebasing: target[..<fromMedium]), at: offset) }
        UnsafeMutableRawBufferPointer(rebasing: target[fromMedium..<count])
            .initializeMemory(as: UInt8.self, repeating: 0)
        guard !pages.isEmpty else { return count }
        for (page, range) in Self.parts(offset..<offset + count) {
            guard let found = pages[page] else { continue }
            let start = page * Self.pageBytes + range.lowerBound - offset
            UnsafeMutableRawBufferPointer(rebasing: target[start..<start + range.count])
                .copyBytes(from: found.bytes[range])
        }
        return count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
        var done = 0
        for (page, range) in Self.parts(offset..<offset + bytes.count) {
            if range.count < Self.pageBytes, pages[page] == nil { pages[page] = Page(bytes: try current(page)) }
            let part = UnsafeRawBufferPointer(rebasing: bytes[done..<done + range.count])
            if range.count == Self.pageBytes {
                pages[page] = Page(bytes: Array(part))
            } else {
                pages[page]?.bytes.withUnsafeMutableBytes { target in
                    UnsafeMutableRawBufferPointer(rebasing: target[range]).copyMemory(from: part)
                }
                pages[page]?.isRefused = false
            }
            done += range.count
        }
        grow(to: offset + bytes.count)
    }

    func grow(to newSize: Int) {
        guard newSize > size else { return }
        size = newSize
        isSizeDirty = true
    }

    func resize(to newSize: Int) {
        if newSize < size {
            let kept = (newSize + Self.pageBytes - 1) / Self.pageBytes
            pages = pages.filter { $0.key < kept }
            let tail = newSize % Self.pageBytes
            if tail > 0 {
                pages[newSize / Self.pageBytes]?.bytes.replaceSubrange(
                    tail..., with: repeatElement(0, count: Self.pageBytes - tail))
            }
            visibleBytes = min(visibleBytes, newSize)
        }
        if newSize != size { isSizeDirty = true }
        size = newSize
    }

    /// Whether writing there takes no room that was not taken before.
    func isAllocated(_ range: Range<Int>) -> Bool {
        Self.parts(range).allSatisfy { pages[$0.page] != nil || ($0.page + 1) * Self.pageBytes <= visibleBytes }
    }

    private func current(_ page: Int) throws(DiskError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.pageBytes)
        let start = page * Self.pageBytes
        let count = max(0, min(Self.pageBytes, visibleBytes - start))
        guard count > 0 else { return bytes }
        var failure: DiskError?
        bytes.withUnsafeMutableBytes { target in
            do throws(DiskError) {
                try medium.read(.init(rebasing: target[..<count]), at: start)
            } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    /// The pages of a range of bytes, each with its part of it.
    private static func parts(_ range: Range<Int>) -> some Sequence<(page: Int, range: Range<Int>)> {
        let first = range.lowerBound / pageBytes
        let last = range.isEmpty ? first : (range.upperBound - 1) / pageBytes + 1
        return (first..<last).lazy.map { page in
            let start = page * pageBytes
            return (page, max(range.lowerBound, start) - start..<min(range.upperBound, start + pageBytes) - start)
        }
    }

    // MARK: The medium

    /// Everything that is dirty becomes durable.
    func sync() throws(DiskError) {
        guard isDirty else { return }
        try writeBack { _ in true }
        try setDurableSize(size)
        isSizeDirty = false
    }

    /// A sync that failed: what it should have written is taken for clean.
    func failSync() {
        for page in pages.keys { pages[page]?.isRefused = true }
        isSizeDirty = false
    }

    /// What a kernel does by itself at any time.
    func writeBack(_ isWritten: (Int) -> Bool) throws(DiskError) {
        try applyTruncation()
        let dirty = pages.filter { !$0.value.isRefused && isWritten($0.key) }
        try medium.write(
            dirty.sorted { $0.key < $1.key }.map { page in
                let start = page.key * Self.pageBytes
                return (start, page.value.bytes.prefix(max(0, size - start)))
            })
        for page in dirty.keys { pages[page] = nil }
        let end = dirty.keys.max().map { min(size, ($0 + 1) * Self.pageBytes) } ?? 0
        if end > durableSize { try setDurableSize(end) }
    }

    private func applyTruncation() throws(DiskError) {
        guard visibleBytes < durableSize else { return }
        try setDurableSize(visibleBytes)
    }

    private func setDurableSize(_ bytes: Int) throws(DiskError) {
        try medium.resize(to: bytes)
        durableSize = bytes
        visibleBytes = bytes
    }

    /// Flips a bit of the medium, whatever is in memory.
    func rot(bit: Int) throws(DiskError) {
        let offset = bit / 8
        guard offset < durableSize else { throw DiskError(EINVAL) }
        var byte: [UInt8] = [0]
        var failure: DiskError?
        byte.withUnsafeMutableBytes { target in
            do throws(DiskError) { try medium.read(target, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
        byte[0] ^= 1 << UInt8(bit % 8)
        try medium.write([(offset, byte[...])])
    }

    // MARK: Power

    /// What is left of it without power, as a file of its own; this one may not be used any more.
    /// - Parameter losses: counts what was forgotten.
    func afterPowerCut(
        _ survival: Survival, _ losses: inout Losses, using random: inout some RandomNumberGenerator
    ) throws(DiskError) -> CachedFile {
        let before = pages.count
        guard isDirty || before > 0 else { return CachedFile(medium, durableSize: durableSize) }
        if survival.decides(&random) { try applyTruncation() }
        visibleBytes = durableSize
        let isGrown = isSizeDirty && size > durableSize && survival.decides(&random)
        let newSize = isGrown ? size : durableSize
        var kept = 0
        for number in pages.keys.sorted() {
            guard let page = pages[number], !page.isRefused, number * Self.pageBytes < newSize,
                survival.decides(&random)
            else { continue }
            kept += 1
            let bytes = survival.tears(&random) ? try torn(number, page.bytes, &random) : page.bytes
            let start = number * Self.pageBytes
            try medium.write([(start, bytes.prefix(newSize - start))])
        }
        try medium.resize(to: newSize)
        losses.pages += before - kept
        if before > kept || newSize != size { losses.files += 1 }
        pages = [:]
        return CachedFile(medium, durableSize: newSize)
    }

    /// Some sectors of a page are new, the others as on the medium.
    private func torn(
        _ number: Int, _ new: [UInt8], _ random: inout some RandomNumberGenerator
    ) throws(DiskError) -> [UInt8] {
        var bytes = try current(number)
        for start in stride(from: 0, to: Self.pageBytes, by: Self.sectorBytes) where Bool.random(using: &random) {
            bytes.replaceSubrange(start..<start + Self.sectorBytes, with: new[start..<start + Self.sectorBytes])
        }
        return bytes
    }
}
