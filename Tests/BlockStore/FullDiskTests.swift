import BlockStore
import Erasure
import Foundation
import Protocol
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct FullDiskTests {
    @Test func aFullDiskRefusesAndRecovers() throws {
        let filesystem = try SmallFilesystem(kibibytes: 1024)
        let disk = try BlockDisk(opening: "\(filesystem.path)/disk")
        let data = [UInt8](repeating: 8, count: 256 * 1024)
        var stored = 0
        var failure: BlockStoreError?
        while failure == nil, stored < 10 {
            do {
                try disk.store(BlockID(rawValue: UInt64(stored) << 8), data)
                stored += 1
            } catch let error as BlockStoreError {
                failure = error
            }
        }
        #expect(failure?.isOutOfSpace == true && stored > 0 && disk.blocks == stored)
        let available = try disk.capacity().available
        #expect(available < UInt64(data.count) + 65536)
        for number in 0..<stored {
            #expect(try disk.load(BlockID(rawValue: UInt64(number) << 8), count: 262144) == data)
        }
        try disk.erase(BlockID(rawValue: 0))
        try disk.store(BlockID(rawValue: 0xff00), data)
        #expect(disk.blocks == stored)
    }
}
