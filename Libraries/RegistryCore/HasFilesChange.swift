import Protocol
import Wire

/// Whether a block service still holds blocks of files, as the shards answered (services.md A.10).
public struct HasFilesChange: FixedWireValue, Equatable {
    public var id: BlockServiceID
    public var hasFiles: Bool

    public init(id: BlockServiceID, hasFiles: Bool) {
        self.id = id
        self.hasFiles = hasFiles
    }

    public static let wireSize = 9

    public init(loading bytes: UnsafeRawPointer) {
        id = BlockServiceID(loading: bytes)
        hasFiles = Bool(loading: bytes + 8)
    }

    public func store(to bytes: UnsafeMutableRawPointer) {
        id.store(to: bytes)
        hasFiles.store(to: bytes + 8)
    }
}
