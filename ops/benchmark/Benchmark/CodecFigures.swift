import Erasure
import Glibc
import Protocol
import Wire

/// What runs inside this process: the codec and the arithmetic, beside the same in C.
struct CodecFigures {
    let programs: Programs
    let report: Report
    let seconds: Double

    func run() throws {
        try codec()
        try arithmetic()
    }

    // MARK: - Codec

    private func codec() throws {
        let c = try programs.measure("codec", ["\(seconds)"])
        let bytes = try Self.request.encoded()
        let encoding = try encodeNanoseconds()
        let views = try bytes.withUnsafeBytes { try viewNanoseconds($0) }
        let owned = try bytes.withUnsafeBytes { try ownedNanoseconds($0) }
        guard let inC = c["encodeNanoseconds"], let viewInC = c["decodeViewNanoseconds"],
            let ownedInC = c["decodeOwnedNanoseconds"], c["bytes"] == Double(bytes.count)
        else { throw ProgramError(description: "the codec in C measured another message") }
        report.add(
            Figure(
                "codec: encode + decode in place, \(bytes.count) bytes", "ns", encoding + views, ceiling: inC + viewInC,
                by: "the same in C", wanted: 2, smallerIsBetter: true))
        report.add(
            Figure(
                "codec: encode + decode to own memory", "ns", encoding + owned, ceiling: inC + ownedInC,
                by: "the same in C", wanted: 2, smallerIsBetter: true))
    }

    /// A typical request with lists; `ceilings/codec.c` has the same one.
    private static let request = AddSpanInitiateRequest(
        fileId: InodeID(rawValue: 0x4000_0000_0001_2345), cookie: Cookie(rawValue: 0x1122_3344_5566_7788),
        byteOffset: 1 << 20, size: 9_000_000, crc: CRC32C(rawValue: 77), storageClass: .flash,
        blacklist: (1...3).map { index in
            BlacklistEntry(
                failureDomain: FailureDomain(name: String(repeating: "abc".dropFirst(index - 1).first!, count: 16)),
                blockService: BlockServiceID(rawValue: 0x1234_5678_9abc &* UInt64(index)))
        },
        parity: Parity(rawValue: 0x24), stripes: 10, cellSize: 225_280,
        crcs: (1...60).map { CRC32C(rawValue: 0x9e37_79b9 &* $0) })

    private func encodeNanoseconds() throws -> Double {
        var request = Self.request
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 16)
        defer { buffer.deallocate() }
        return try nanoseconds {
            request.byteOffset &+= 4096
            var writer = WireWriter(buffer)
            try request.encode(into: &writer)
            return UInt64(buffer[16])
        }
    }

    private func viewNanoseconds(_ bytes: UnsafeRawBufferPointer) throws -> Double {
        try nanoseconds {
            let view = try AddSpanInitiateRequestView(decoding: opaque(bytes))
            return UInt64(view.crcs[59].rawValue) &+ UInt64(view.size)
        }
    }

    private func ownedNanoseconds(_ bytes: UnsafeRawBufferPointer) throws -> Double {
        try nanoseconds {
            let request = try AddSpanInitiateRequest(decoding: opaque(bytes))
            return UInt64(request.crcs[59].rawValue) &+ request.blacklist[1].blockService.rawValue
        }
    }

    /// Mean time of `body`; the sum of what it returns keeps it from being optimised away.
    private func nanoseconds(_ body: () throws -> UInt64) throws -> Double {
        var rounds = 0
        var sum: UInt64 = 0
        let start = now()
        while now() - start < seconds {
            for _ in 0..<1000 { sum &+= try body() }
            rounds += 1000
        }
        let result = (now() - start) / Double(rounds) * 1e9
        if sum == 1 { report.note("") }
        return result
    }

    // MARK: - Arithmetic

    private static let cellBytes = 64 << 10

    private func arithmetic() throws {
        let isal = try programs.measure("isal", ["\(Self.cellBytes)", "\(seconds)"])
        guard let coder = ReedSolomon.shared(dataBlocks: 10, parityBlocks: 4) else {
            throw ProgramError(description: "there is no (10,4) code")
        }
        let cells = (0..<14).map { _ in UnsafeMutableRawPointer.allocate(byteCount: Self.cellBytes, alignment: 64) }
        defer { cells.forEach { $0.deallocate() } }
        for (index, cell) in cells.enumerated() {
            for byte in 0..<Self.cellBytes {
                cell.storeBytes(of: UInt8(truncatingIfNeeded: byte &* 7 &+ index), toByteOffset: byte, as: UInt8.self)
            }
        }
        let data = cells[..<10].map { UnsafeRawPointer($0) }
        let parity = Array(cells[10...])
        let encode = gigabytesPerSecond(bytes: 10 * Self.cellBytes) {
            coder.encode(data: data, parity: parity, length: Self.cellBytes)
        }
        report.add(
            Figure(
                "Reed-Solomon (10,4) encode", "GB/s", encode, ceiling: isal["encodeGigabytesPerSecond"] ?? 0,
                by: "ISA-L from C", wanted: 0.9))
        var sum: UInt32 = 0
        let check = gigabytesPerSecond(bytes: Self.cellBytes) { sum &+= Castagnoli.sum(data[0], Self.cellBytes) }
        if sum == 1 { report.note("") }
        report.add(
            Figure(
                "CRC32C", "GB/s", check, ceiling: isal["crcGigabytesPerSecond"] ?? 0, by: "ISA-L from C"))
    }

    private func gigabytesPerSecond(bytes: Int, _ body: () -> Void) -> Double {
        var rounds = 0
        let start = now()
        while now() - start < seconds {
            for _ in 0..<16 { body() }
            rounds += 16
        }
        return Double(rounds * bytes) / (now() - start) / 1e9
    }

    private func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// The same memory, of which the optimiser cannot know that it has not changed.
@inline(never)
private func opaque(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer { bytes }
