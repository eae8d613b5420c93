import Protocol

/// What a request may ask for, as far as it can be told without the disk (wire-protocol 5, spec services B.5–B.6).
struct RequestRules {
    var eraseDelayNanoseconds: UInt64

    /// Longest time between the making of a block's number and its write. Less than the erase delay, so that a late
    /// write can never bring back an erased block.
    static let writeWindowNanoseconds: UInt64 = 300 * 1_000_000_000
    /// How far ahead of our clock a block's number may be.
    static let futureLimitNanoseconds: UInt64 = 22 * 3600 * 1_000_000_000
    static let largestBlock: UInt32 = 100 << 20
    static let pageSize: UInt32 = 4096

    /// What a request is answered when too much waits for its disk. To clients of any implementation it is no more than
    /// an error of this attempt: writers go to other disks, readers to other blocks, and neither scrubbing nor
    /// migration takes it for damage, as the errors of blocks and disks would be.
    static let overload = ProtocolError.timeout

    /// Why a write is refused; nil if it is not.
    func refusal(of request: WriteBlockRequest, on disk: ServedDisk, at now: UInt64) -> ProtocolError? {
        let made = request.blockId.time.nanoseconds
        if made > now, made - now > Self.futureLimitNanoseconds { return .malformedRequest }
        if now > made, now - made > Self.writeWindowNanoseconds { return .blockTooOldForWrite }
        let certificate = disk.mac.writeCertificate(
            blockService: disk.id, block: request.blockId, crc: request.crc, size: request.size)
        guard request.certificate == certificate else { return .badCertificate }
        if request.size > Self.largestBlock { return .blockTooBig }
        return request.size % Self.pageSize == 0 ? nil : .badBlockCrc
    }

    /// Why an erasure is refused; nil if it is not.
    func refusal(of request: EraseBlockRequest, on disk: ServedDisk, at now: UInt64) -> ProtocolError? {
        let certificate = disk.mac.eraseCertificate(blockService: disk.id, block: request.blockId)
        guard request.certificate == certificate else { return .badCertificate }
        let made = request.blockId.time.nanoseconds
        if now >= made { return now - made >= eraseDelayNanoseconds ? nil : .blockTooRecentForDeletion }
        // A number from a clock that was far ahead: it cannot be written for just as long, and nobody waits until then.
        let ahead = made - now
        let isFar = ahead > Self.futureLimitNanoseconds
        return isFar && ahead - Self.futureLimitNanoseconds >= eraseDelayNanoseconds ? nil : .blockTooRecentForDeletion
    }

    /// Why a trial is refused; nil if it is not.
    func refusal(of request: TestWriteRequest) -> ProtocolError? {
        if request.size > UInt64(Self.largestBlock) { return .blockTooBig }
        return request.size % UInt64(Self.pageSize) == 0 ? nil : .blockSizeNotMultipleOfPageSize
    }
}
