import Protocol

extension WireWriter {
    mutating func write(_ origin: RequestOrigin) throws(EncodeError) {
        try write(origin.source)
        try write(origin.requestID)
    }

    /// None: 0. One: itself. More: 3, their count u8, themselves.
    mutating func write(_ changes: [ParentChange]) throws(EncodeError) {
        guard let count = UInt8(exactly: changes.count) else { throw .lengthTooLarge }
        if count == 0 { try write(UInt8(0)) }
        if count > 1 {
            try write(UInt8(3))
            try write(count)
        }
        for change in changes { try write(change) }
    }

    private mutating func write(_ change: ParentChange) throws(EncodeError) {
        switch change {
        case .set(let directory, let owner):
            try write(UInt8(1))
            try write(directory)
            try write(owner)
        case .remove(let directory):
            try write(UInt8(2))
            try write(directory)
        }
    }

    mutating func write(_ reply: RememberedReply?) throws(EncodeError) {
        try write(reply != nil)
        guard let reply else { return }
        try write(reply.origin)
        switch reply.result {
        case .success(let response):
            try write(response.kind.rawValue)
            try response.encode(into: &self)
        case .failure(let error):
            try write(UInt8(0))
            try write(error)
        }
    }
}

extension WireReader {
    mutating func readOrigin() throws(DecodeError) -> RequestOrigin {
        let source = try read(UInt64.self)
        return RequestOrigin(source: source, requestID: try read(UInt64.self))
    }

    mutating func readRequest() throws(DecodeError) -> AnyCdcRequest {
        guard let kind = CdcKind(rawValue: try read(UInt8.self)) else { throw .invalidValue }
        return try AnyCdcRequest.decode(kind: kind, from: &self)
    }

    mutating func readParentChanges() throws(DecodeError) -> [ParentChange] {
        let code = try read(UInt8.self)
        switch code {
        case 0: return []
        case 3:
            var changes: [ParentChange] = []
            for _ in 0..<(try read(UInt8.self)) { changes.append(try readParentChange(try read(UInt8.self))) }
            return changes
        default: return [try readParentChange(code)]
        }
    }

    private mutating func readParentChange(_ code: UInt8) throws(DecodeError) -> ParentChange {
        switch code {
        case 1:
            let directory = try read(InodeID.self)
            return .set(directory, owner: try read(InodeID.self))
        case 2:
            return .remove(try read(InodeID.self))
        default:
            throw .invalidValue
        }
    }

    mutating func readReply() throws(DecodeError) -> RememberedReply? {
        guard try read(Bool.self) else { return nil }
        let origin = try readOrigin()
        let code = try read(UInt8.self)
        if code == 0 {
            return RememberedReply(origin: origin, result: .failure(try read(ProtocolError.self)))
        }
        guard let kind = CdcKind(rawValue: code) else { throw .invalidValue }
        return RememberedReply(origin: origin, result: .success(try AnyCdcResponse.decode(kind: kind, from: &self)))
    }
}
