import EventLoop
import Protocol

// Reading back what was written: the open span in memory, and patches over what is stored.

extension FileWriter {
    /// Reads what was written, wherever it is by now; fewer bytes only at the end.
    public func read(at offset: UInt64, count: Int) async throws(ClientError) -> FileData {
        try checkFailure()
        guard offset < size, count > 0 else { return FileData() }
        let end = offset + min(UInt64(count), size - offset)
        var data = FileData()
        var position = offset
        // Meanwhile it may be sealed, or cut.
        while position < min(end, size) {
            // What failed meanwhile has let go of what it had.
            try checkFailure()
            let part =
                position < sealedBytes
                ? try await readSealed(position..<min(end, sealedBytes)) : try readOpen(position..<min(end, size))
            data.append(part)
            position += UInt64(part.count)
        }
        return data
    }

    private func readOpen(_ range: Range<UInt64>) throws(ClientError) -> FileData {
        guard let memory = core.pool.take(range.count) else { throw Self.noMemoryToRead }
        let target = UnsafeMutableRawBufferPointer(start: memory.base, count: range.count)
        if let buffer {
            buffer.read(at: Int(clamping: range.lowerBound - sealedBytes), into: target)
        } else {
            target.initializeMemory(as: UInt8.self, repeating: 0)
        }
        return FileData(memory, 0, range.count)
    }

    /// Sealed spans are read from the cluster once they are there. Fewer bytes when the file was cut meanwhile.
    private func readSealed(_ wanted: Range<UInt64>) async throws(ClientError) -> FileData {
        while true {
            while failure == nil, isStoring, lowerBytes < min(wanted.upperBound, sealedBytes) { await nextProgress() }
            try checkFailure()
            let range = wanted.clamped(to: 0..<max(sealedBytes, wanted.lowerBound))
            guard !range.isEmpty else { return FileData() }
            let before = moves
            do throws(ClientError) {
                let data = try await patched(range)
                try checkFailure()
                if moves == before { return data }
            } catch {
                guard moves != before else { throw error }
            }
        }
    }

    /// The bytes of a range of what is stored, with what was written over it. Only if nothing moves meanwhile.
    func patched(_ range: Range<UInt64>) async throws(ClientError) -> FileData {
        guard patches.map.intersects(range) else { return try await lower(range) }
        guard let memory = core.pool.take(range.count) else { throw Self.noMemoryToRead }
        try await readPatched(range, to: memory.base)
        return FileData(memory, 0, range.count)
    }

    /// The same, to memory of the caller's, who keeps it alive.
    func readPatched(_ range: Range<UInt64>, to target: UnsafeMutableRawPointer) async throws(ClientError) {
        if let visible = patches.map.visible(in: range) {
            let start = Int(visible.lowerBound - range.lowerBound)
            try await lower(visible).copy(
                to: UnsafeMutableRawBufferPointer(start: target + start, count: visible.count))
        }
        let reads = patches.overlay(range, on: target)
        if !reads.isEmpty { try await Self.run(reads) }
    }

    private static func run(_ reads: [SpoolRead]) async throws(ClientError) {
        let result = await withUnsafeContinuation { continuation in
            WorkQueue.shared.run {
                continuation.resume(
                    returning: Result { () throws(ClientError) in for read in reads { try read.run() } })
            }
        }
        try result.get()
    }

    /// Bytes as they are stored.
    private func lower(_ range: Range<UInt64>) async throws(ClientError) -> FileData {
        let data = try await lowerReader.read(at: range.lowerBound, count: range.count)
        guard data.count == range.count else {
            throw ClientError(.malformedAnswer, "read of \(lowerID)", "\(data.count) of \(range.count) bytes")
        }
        return data
    }

    /// The file that has what is stored.
    var lowerID: InodeID { base?.id ?? handle.id }
    var lowerReader: FileReader { FileReader(client: client, id: lowerID, size: base?.size ?? ownBytes) }

    /// So much from the beginning can be read from there.
    var lowerBytes: UInt64 { sealed.first?.byteOffset ?? sealedBytes }

    private static let noMemoryToRead = ClientError(.noMemory, "read of a file under construction")
}
