import Client
import Protocol

/// Why blocks of a span could not be replaced.
package struct RepairError: Error, Sendable, CustomStringConvertible {
    package enum Cause: Sendable {
        /// A request failed.
        case request(ClientError)
        /// Only `found` of the `needed` blocks can be read. As long as that is so, the data is out of reach.
        case tooFewSources(found: Int, needed: Int)
        /// All sources prove right, and still the block computed from them is not what the metadata says.
        case inconsistent
        /// No block service can take the block.
        case noPlace
        /// The system has no memory left.
        case noMemory
    }

    package let cause: Cause
    package let file: InodeID
    /// Where the span begins; nil when the file as a whole is concerned.
    package let byteOffset: UInt64?
    /// The block in question and where it is, or was to be; nil when all blocks of the span are concerned.
    package let block: BlockID?
    package let service: BlockServiceID?
    /// What block services answered that should have been sources.
    package let sourceErrors: [ClientError]

    init(
        _ cause: Cause, file: InodeID, byteOffset: UInt64? = nil, block: BlockID? = nil,
        service: BlockServiceID? = nil, sourceErrors: [ClientError] = []
    ) {
        self.cause = cause
        self.file = file
        self.byteOffset = byteOffset
        self.block = block
        self.service = service
        self.sourceErrors = sourceErrors
    }

    package var description: String {
        var place = "file \(file)"
        if let byteOffset { place += ", span at \(byteOffset)" }
        if let block { place += ", block \(block)" }
        if let service { place += ", block service \(service)" }
        let sources = sourceErrors.map(\.description).joined(separator: "; ")
        return "\(place): \(cause.sentence)" + (sources.isEmpty ? "" : " (\(sources))")
    }
}

extension RepairError.Cause {
    fileprivate var sentence: String {
        switch self {
        case .request(let error): error.description
        case .tooFewSources(let found, let needed):
            "only \(found) of the \(needed) blocks needed to restore its data can be read"
        case .inconsistent: "what its blocks yield is not what the metadata says"
        case .noPlace: "no block service in another failure domain can take the block"
        case .noMemory: "there is no memory"
        }
    }
}

extension ClientError {
    /// Whether the block service has spoken: this block is not there as it should be. Otherwise the service itself is
    /// out of reach or failing, and its blocks may be right.
    package var provesBlockBroken: Bool {
        switch cause {
        case .corruptPage: return true
        case .refused(let code):
            switch code {
            case .blockNotFound, .badBlockCrc, .blockIoErrorFile, .blockFetchOutOfBounds: return true
            default: return false
            }
        default: return false
        }
    }
}
