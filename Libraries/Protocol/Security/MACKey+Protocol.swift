import Wire

extension MACKey {
    public convenience init(_ key: SecretKey) {
        self.init(low: key.low, high: key.high)
    }
}

// The input of each MAC is a few integers back to back, at most 25 bytes (wire-protocol.md 15).
extension MACKey {
    /// With the shard's key: the cookie of a transient file.
    public func cookie(for file: InodeID) -> Cookie {
        Cookie(rawValue: file.rawValue.littleEndianBytes { mac(of: $0) }.rawValue)
    }

    /// With the block service's key: permits WRITE_BLOCK of a block of `size` bytes.
    public func writeCertificate(
        blockService: BlockServiceID, block: BlockID, crc: CRC32C, size: UInt32
    ) -> MAC {
        mac(of: blockService, UInt8(ascii: "w"), block, crc: crc, size: size)
    }

    /// With the block service's key: proves that a block was written.
    public func writeProof(blockService: BlockServiceID, block: BlockID) -> MAC {
        mac(of: blockService, UInt8(ascii: "W"), block)
    }

    /// With the block service's key: permits ERASE_BLOCK.
    public func eraseCertificate(blockService: BlockServiceID, block: BlockID) -> MAC {
        mac(of: blockService, UInt8(ascii: "e"), block)
    }

    /// With the block service's key: proves that a block is gone.
    public func eraseProof(blockService: BlockServiceID, block: BlockID) -> MAC {
        mac(of: blockService, UInt8(ascii: "E"), block)
    }

    /// Zero padding makes no difference to the MAC, so checksum and size may be zero where they do not belong.
    private func mac(
        of service: BlockServiceID, _ letter: UInt8, _ block: BlockID, crc: CRC32C = .zero, size: UInt32 = 0
    ) -> MAC {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { input in
            input.initializeMemory(as: UInt8.self, repeating: 0)
            input.storeBytes(of: service.rawValue.littleEndian, toByteOffset: 0, as: UInt64.self)
            input.storeBytes(of: letter, toByteOffset: 8, as: UInt8.self)
            input.storeBytes(of: block.rawValue.littleEndian, toByteOffset: 9, as: UInt64.self)
            input.storeBytes(of: crc.rawValue.littleEndian, toByteOffset: 17, as: UInt32.self)
            input.storeBytes(of: size.littleEndian, toByteOffset: 21, as: UInt32.self)
            return mac(of: UnsafeRawBufferPointer(input))
        }
    }
}

extension UInt64 {
    fileprivate func littleEndianBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: littleEndian, body)
    }
}
