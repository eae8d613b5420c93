import Protocol

/// A directory that a shard makes up as it is asked: as many names as one likes, of which it holds none.
struct GreatDirectory {
    let names: Int

    /// In the middle of its share of hashes, so that no two are the same.
    private static let hashesEach: UInt64 = 1 << 40
    private static let namesInAnswer = 100

    static func name(_ index: Int) -> [UInt8] { Array("entry \(index)".utf8) }

    func answer(_ request: ReadDirRequest) -> ReadDirResponse {
        let first = Int(request.startHash.rawValue.dividedRoundingUp(by: Self.hashesEach))
        let indices = max(first, 1)..<max(first, 1, min(first + Self.namesInAnswer, names + 1))
        let edges = indices.map { index in
            CurrentEdge(
                targetId: InodeID(type: .file, shard: ShardID(rawValue: 0), index: UInt64(index)),
                nameHash: NameHash(rawValue: UInt64(index) * Self.hashesEach), name: Self.name(index),
                creationTime: Timestamp(nanoseconds: 1))
        }
        let isEnd = indices.upperBound > names
        return ReadDirResponse(
            nextHash: isEnd ? .zero : NameHash(rawValue: UInt64(indices.upperBound) * Self.hashesEach), results: edges)
    }
}

extension UInt64 {
    fileprivate func dividedRoundingUp(by divisor: UInt64) -> UInt64 { self / divisor + (self % divisor == 0 ? 0 : 1) }
}
