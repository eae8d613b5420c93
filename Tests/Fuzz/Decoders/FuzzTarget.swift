import Protocol

/// A group of decoders to feed with arbitrary bytes.
public enum FuzzTarget: String, CaseIterable, Sendable {
    case shardRequest = "shard-request"
    case shardResponse = "shard-response"
    case cdcRequest = "cdc-request"
    case cdcResponse = "cdc-response"
    case registryRequest = "registry-request"
    case registryResponse = "registry-response"
    case blocksRequest = "blocks-request"
    case blocksResponse = "blocks-response"
    case logRequest = "log-request"
    case logResponse = "log-response"
    case structures
    case replicas
    case framings

    /// Feeds the decoder that the first byte selects (for messages: the kind) with the rest.
    /// Returns what is wrong with it, nil when all is well. Never traps, unless a decoder does.
    public func feed(_ input: UnsafeRawBufferPointer) -> String? {
        guard let selector = input.first else { return nil }
        let bytes = UnsafeRawBufferPointer(rebasing: input.dropFirst())
        return switch self {
        case .shardRequest:
            round(bytes, { try? AnyShardRequest.decode(kind: selector, body: $0) }, { try? $0.encoded() })
                ?? views(selector, bytes)
        case .shardResponse:
            round(bytes, { try? AnyShardResponse.decode(kind: selector, body: $0) }, { try? $0.encoded() })
                ?? views(selector, bytes)
        case .cdcRequest:
            round(bytes, { try? AnyCdcRequest.decode(kind: selector, body: $0) }, { try? $0.encoded() })
        case .cdcResponse:
            round(bytes, { try? AnyCdcResponse.decode(kind: selector, body: $0) }, { try? $0.encoded() })
        case .registryRequest:
            round(bytes, { try? AnyRegistryRequest.decode(kind: selector, body: $0) }, { try? $0.encoded() })
        case .registryResponse:
            round(bytes, { try? AnyRegistryResponse.decode(kind: selector, body: $0) }, { try? $0.encoded() })
        case .blocksRequest:
            round(bytes, { try? AnyBlocksRequest.decode(kind: selector, body: $0) }, { try? $0.encoded() })
        case .blocksResponse:
            round(bytes, { try? AnyBlocksResponse.decode(kind: selector, body: $0) }, { try? $0.encoded() })
        case .logRequest:
            round(bytes, { try? AnyLogRequest.decode(kind: selector, body: $0) }, { try? $0.encoded() })
        case .logResponse:
            round(bytes, { try? AnyLogResponse.decode(kind: selector, body: $0) }, { try? $0.encoded() })
        case .structures: structures(selector, bytes)
        case .replicas: replicas(selector, bytes)
        case .framings: framings(selector, bytes)
        }
    }

    // MARK: Structures and views

    private func structures(_ selector: UInt8, _ bytes: UnsafeRawBufferPointer) -> String? {
        switch selector % 11 {
        case 0: directoryInfo(bytes)
        case 1: value(SnapshotPolicy.self, bytes)
        case 2: value(SpanPolicy.self, bytes) ?? choose(bytes)
        case 3: value(BlockPolicy.self, bytes) ?? choose(bytes)
        case 4: value(StripePolicy.self, bytes) ?? choose(bytes)
        case 5: value(FetchedSpan.self, bytes)
        case 6: value(FetchedFullSpan.self, bytes)
        case 7: value(EntryNewBlockInfo.self, bytes)
        case 8: value(FullBlockServiceInfo.self, bytes)
        case 9: value(FailureDomain.self, bytes) ?? describe(bytes)
        default: value(SecretKey.self, bytes)
        }
    }

    private func directoryInfo(_ bytes: UnsafeRawBufferPointer) -> String? {
        if let info = try? DirectoryInfo(decoding: bytes) {
            do throws(DirectoryInfoProblem) {
                try info.validate(isRoot: true)
            } catch {
                _ = error.description
            }
        }
        return value(DirectoryInfo.self, bytes) ?? view(DirectoryInfoView.self, bytes)
    }

    /// Policies must give an answer for every size.
    private func choose(_ bytes: UnsafeRawBufferPointer) -> String? {
        for size in [0, 1, 4096, 1 << 32, UInt64.max] {
            _ = (try? SpanPolicy(decoding: bytes))?.parity(forSize: size)
            _ = (try? BlockPolicy(decoding: bytes))?.storageClass(forBlockSize: size)
            if let count = (try? StripePolicy(decoding: bytes))?.stripes(forSize: size), !(1...15).contains(count) {
                return "\(count) stripes for \(size)"
            }
        }
        return nil
    }

    private func describe(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let domain = try? FailureDomain(decoding: bytes) else { return nil }
        return domain.description.utf8.count > 48 ? "a name of \(domain.description.utf8.count) bytes" : nil
    }

    /// Every view must accept what its owned counterpart accepts, and say the same.
    private func views(_ selector: UInt8, _ bytes: UnsafeRawBufferPointer) -> String? {
        switch selector % 16 {
        case 0: view(LookupRequestView.self, bytes)
        case 1: view(ConstructFileRequestView.self, bytes)
        case 2: view(AddSpanInitiateRequestView.self, bytes)
        case 3: view(AddSpanInitiateResponseView.self, bytes)
        case 4: view(AddSpanCertifyRequestView.self, bytes)
        case 5: view(LinkFileRequestView.self, bytes)
        case 6: view(SoftUnlinkFileRequestView.self, bytes)
        case 7: view(SameDirectoryRenameRequestView.self, bytes)
        case 8: view(AddInlineSpanRequestView.self, bytes)
        case 9: view(ReadDirResponseView.self, bytes)
        case 10: view(StatDirectoryResponseView.self, bytes)
        case 11: view(FullReadDirRequestView.self, bytes)
        case 12: view(FullReadDirResponseView.self, bytes)
        default: view(LogWriteRequestView.self, bytes)
        }
    }

    // MARK: Framings

    private func framings(_ selector: UInt8, _ bytes: UnsafeRawBufferPointer) -> String? {
        _ = ProtocolWord(of: bytes)
        let key = MACKey(low: 1, high: 2)
        for word in ProtocolWord.allCases {
            _ = try? PlainPacket(bytes, expecting: word)
            _ = try? SignedPacket(bytes, expecting: word, key: key)
            guard let frame = try? RegistryFrame(bytes, expecting: word, limit: 1 << 20) else { continue }
            guard frame.size <= bytes.count, frame.body.count + 9 == frame.size else {
                return "a frame of \(frame.size) bytes"
            }
        }
        var requests = WireReader(bytes)
        while (try? BlocksRequestHeader(from: &requests)) != nil {}
        var responses = WireReader(bytes)
        while (try? BlocksResponseHeader(from: &responses)) != nil {}
        return signed(selector, bytes, key)
    }

    /// Arbitrary bytes after a correct signature must be taken apart or refused, too.
    private func signed(_ selector: UInt8, _ bytes: UnsafeRawBufferPointer, _ key: MACKey) -> String? {
        let words = ProtocolWord.allCases.filter(\.isSigned)
        let word = words[Int(selector) % words.count]
        let packet = try? encodedBytes(capacity: bytes.count + 12) { (writer) throws(EncodeError) in
            try writer.write(word.rawValue)
            try writer.raw(bytes)
            try SignedPacket.seal(&writer, key: key)
        }
        guard let packet else { return "a packet that cannot be sealed" }
        let minimum = word.hasCheckpoint ? 17 : 9
        let isAccepted = packet.withUnsafeBytes { (try? SignedPacket($0, expecting: word, key: key)) != nil }
        return isAccepted == (bytes.count >= minimum) ? nil : "a signed packet of \(packet.count) bytes"
    }
}
