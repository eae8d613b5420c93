import Protocol

/// What a mkdir wanted, as far as its recovery has to know.
struct DirectoryMaking {
    var name: [UInt8]
    /// Which of the two requests has to be answered.
    var isExclusive: Bool

    init(name: [UInt8], isExclusive: Bool) {
        self.name = name
        self.isExclusive = isExclusive
    }

    /// Nil for requests that make no directory.
    init?(_ request: AnyCdcRequest) {
        switch request {
        case .makeDirectory(let request): (name, isExclusive) = (request.name, false)
        case .makeDirectoryExclusive(let request): (name, isExclusive) = (request.name, true)
        default: return nil
        }
    }
}
