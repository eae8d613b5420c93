import Glibc

extension VolatileDisk {
    /// More dirty pages than this no file has: then a kernel writes as well.
    private static let mostDirtyPages = 32768

    /// - Returns: how many bytes there were.
    package func read(_ node: Node, _ target: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        try contents(of: node).read(target, at: offset)
    }

    package func write(_ node: Node, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
        let file = try contents(of: node)
        if fails(.failWrite, node) { throw DiskError(EIO) }
        try claim(offset..<offset + bytes.count, of: node)
        try file.write(bytes, at: offset)
        node.touch()
        if happensToWriteBack() {
            var random = random
            try file.writeBack { _ in Bool.random(using: &random) }
            self.random = random
        }
        if file.dirtyPagesExceed(Self.mostDirtyPages) { try file.writeBack { _ in true } }
    }

    package func resize(_ node: Node, to size: Int) throws(DiskError) {
        let file = try contents(of: node)
        if fails(.failResize, node) { throw DiskError(EIO) }
        file.resize(to: size)
        node.touch()
    }

    /// Room is taken when it is written: only the size changes, and that only when it is wanted.
    package func allocate(_ node: Node, _ range: Range<Int>, keepsSize: Bool) throws(DiskError) {
        let file = try contents(of: node)
        try claim(range, of: node)
        if !keepsSize { file.grow(to: range.upperBound) }
    }

    package func zero(_ node: Node, _ range: Range<Int>) throws(DiskError) {
        let range = range.clamped(to: 0..<node.size)
        let zeros = [UInt8](repeating: 0, count: min(range.count, 1 << 20))
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 20) {
            let count = min(range.upperBound - start, zeros.count)
            var failure: DiskError?
            zeros.withUnsafeBytes { bytes in
                do throws(DiskError) {
                    try write(node, .init(rebasing: bytes[..<count]), at: start)
                } catch { failure = error }
            }
            if let failure { throw failure }
        }
    }

    /// Contents and size of a file, not its name; or the names in a directory.
    package func sync(_ node: Node) throws(DiskError) {
        try check(node)
        if fails(.failSync, node) {
            node.file?.failSync()
            throw DiskError(EIO)
        }
        if fails(.ignoreSync, node) { return }
        if let file = node.file { try file.sync() } else { syncNames(in: node) }
    }

    private func claim(_ range: Range<Int>, of node: Node) throws(DiskError) {
        guard isFull(node), let file = node.file, !file.isAllocated(range) else { return }
        throw DiskError(ENOSPC)
    }

    private func contents(of node: Node) throws(DiskError) -> CachedFile {
        try check(node)
        guard let file = node.file else { throw DiskError(EISDIR) }
        return file
    }
}
