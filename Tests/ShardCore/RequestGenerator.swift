import Protocol
import ShardCore
import TestSupport

/// Makes requests of every kind that decode but may ask for anything: values that exist in the shard mixed with extreme
/// ones. Built by decoding random bytes with known values strewn in, so that new kinds are covered without being named.
struct RequestGenerator {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private static let kinds = (UInt8.min...UInt8.max).compactMap(ShardKind.init(rawValue:))

    mutating func request(_ shard: ShardFixture) -> AnyShardRequest {
        while true {
            let kind = random.pick(Self.kinds)
            if let request = decodable(kind, shard) { return request }
        }
    }

    /// A few tries of one kind; not every string of bytes is a request.
    private mutating func decodable(_ kind: ShardKind, _ shard: ShardFixture) -> AnyShardRequest? {
        for _ in 0..<8 {
            let bytes = body(shard)
            for count in stride(from: bytes.count, through: 0, by: -1) {
                let request = bytes[..<count].withUnsafeBytes { raw -> AnyShardRequest? in
                    var reader = WireReader(raw)
                    guard let request = try? AnyShardRequest.decode(kind: kind, from: &reader) else { return nil }
                    return request
                }
                if let request { return request }
                // A prefix of what is too short is too short.
                break
            }
        }
        return nil
    }

    /// Bytes that are likely to be fields: known ids, cookies, times, short strings, small numbers.
    private mutating func body(_ shard: ShardFixture) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < 400 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1, 2: append(inode(shard).rawValue, to: &bytes)
            case 3: append(random.pick([0, 1, 1 << 63, .max, 4096, 8192]), to: &bytes)
            case 4:
                append(shard.now.nanoseconds &- UInt64.random(in: 0..<30, using: &random) * 1_000_000_000, to: &bytes)
            case 5:
                let name = "name\(Int.random(in: 0..<20, using: &random))".bytes
                bytes += [UInt8(name.count)] + name
            case 6: bytes += [0, 0, 0, 0]
            case 7: bytes += [0, 16, 0, 0]
            case 8: bytes.append(random.pick([0, 1, 2, 3, 0x21, 0xff]))
            default: append(random.next(), to: &bytes)
            }
        }
        return bytes
    }

    private mutating func inode(_ shard: ShardFixture) -> InodeID {
        let type = random.pick([InodeType.directory, .file, .symlink])
        let index = random.pick([0, 1, 2, 3, 4, 5, 30, UInt64(1) << 53 - 2])
        let id = InodeID(type: type, shard: random.chance(90) ? shard.shard : ShardID(rawValue: 200), index: index)
        return random.chance(5) ? .null : random.chance(20) ? .root : id
    }

    private func append(_ value: UInt64, to bytes: inout [UInt8]) {
        for byte in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte)))) }
    }
}
