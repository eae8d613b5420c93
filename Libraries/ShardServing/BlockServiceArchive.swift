import Daemon
import Directories
import EventLoop
import Glibc
import Protocol
import Wire

/// The last answers of the registry about block services on disk, so that a restarted process can serve before it
/// reaches the registry. Holds the services' secret keys: readable by the owner only.
///
/// Format: "sterna block services 1\n", then length-prefixed (u32) bodies: ALL_BLOCK_SERVICES_DEPRECATED, and per shard
/// its number (u8) and the body of SHARD_BLOCK_SERVICES.
struct BlockServiceArchive: Sendable {
    let path: String

    private static let magic = Array("sterna block services 1\n".utf8)
    private static let sizeLimit = 64 << 20

    init(dataDirectory: String) {
        path = dataDirectory + "/block-services"
    }

    /// Nil when there is none or when it is not readable: the registry has it all.
    func load() -> BlockServiceDirectory? {
        guard let bytes = contents(), bytes.starts(with: Self.magic) else { return nil }
        return bytes.withUnsafeBytes { raw -> BlockServiceDirectory? in
            var reader = WireReader(UnsafeRawBufferPointer(rebasing: raw[Self.magic.count...]))
            return try? Self.decode(&reader)
        }
    }

    /// Replaces the file. Blocks.
    func save(_ directory: BlockServiceDirectory) throws {
        var bytes = Self.magic
        Self.append(try AllBlockServicesDeprecatedResponse(blockServices: directory.services).encoded(), to: &bytes)
        for (shard, services) in directory.assignments {
            bytes.append(shard.rawValue)
            Self.append(try ShardBlockServicesResponse(blockServices: services).encoded(), to: &bytes)
        }
        try write(bytes)
    }

    private static func append(_ body: [UInt8], to bytes: inout [UInt8]) {
        withUnsafeBytes(of: UInt32(body.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: body)
    }

    private static func decode(_ reader: inout WireReader) throws(DecodeError) -> BlockServiceDirectory {
        let all = try body(of: AllBlockServicesDeprecatedResponse.self, &reader)
        var assignments: [ShardID: [BlockServiceInfoShort]] = [:]
        while reader.remaining > 0 {
            let shard: ShardID = try reader.read()
            assignments[shard] = try body(of: ShardBlockServicesResponse.self, &reader).blockServices
        }
        var directory = BlockServiceDirectory()
        directory.update(services: all.blockServices, assignments: assignments)
        return directory
    }

    private static func body<Body: WireValue>(
        of type: Body.Type, _ reader: inout WireReader
    ) throws(DecodeError) -> Body {
        let length: UInt32 = try reader.read()
        return try Body(decoding: try reader.buffer(Int(length)))
    }

    private func contents() -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let size = lseek(file, 0, SEEK_END)
        guard size >= 0, size <= Self.sizeLimit else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        return pread(file, &bytes, size, 0) == size ? bytes : nil
    }

    private func write(_ bytes: [UInt8]) throws(SystemError) {
        try SystemError.of { () throws(DirectoryError) in
            try FileReplacement.replace(path, with: bytes, mode: 0o600)
        }
    }
}
