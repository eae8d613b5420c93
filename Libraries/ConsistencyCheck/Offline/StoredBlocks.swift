import BlockStore
import Directories
import Glibc
import Protocol
import ShardCore

/// The disks of a stopped cluster: whether the blocks that spans name are there, at their size (services.md B.2).
struct StoredBlocks {
    private var disks: [BlockServiceID: OfflineDisk] = [:]
    private var isRetired: Set<BlockServiceID> = []
    private var unknown: Set<BlockServiceID> = []
    private let report: CheckReport

    /// - Parameter directory: holds one directory for each disk.
    init(_ directory: String, _ services: [BlockServiceDeprecatedInfo], _ report: CheckReport) {
        self.report = report
        for name in Self.names(in: directory, report) {
            let path = "\(directory)/\(name)"
            do throws(BlockStoreError) {
                if let disk = try OfflineDisk(at: path) { disks[disk.id] = disk }
            } catch {
                report.add(Finding(.b, place: path, detail: "its small blocks cannot be looked up: \(error)"))
            }
        }
        for service in services where service.flags.contains(.decommissioned) { isRetired.insert(service.id) }
    }

    /// What may be disks. Where nobody has made the directory there are none; a listing that fails is a finding, since
    /// blocks of disks that it does not show are not looked for.
    private static func names(in directory: String, _ report: CheckReport) -> [String] {
        do throws(DirectoryError) {
            return try DirectoryListing.names(in: directory)
        } catch {
            if error.code != ENOENT {
                report.add(Finding(.b, place: directory, detail: "the disks in it are not known: \(error)"))
            }
            return []
        }
    }

    /// Looks for one block.
    mutating func check(_ use: BlockUse) {
        guard use.isStored, !isRetired.contains(use.service) else { return }
        guard let disk = disks[use.service] else {
            if unknown.insert(use.service).inserted {
                report.add(
                    Finding(
                        .b, .notice, place: "block service \(use.service)",
                        detail: "its disk is not below the directory; its blocks were not looked for"))
            }
            return
        }
        let file = disk.place(of: use.block)
        let place = "block \(use.block) of file \(use.file), span at \(use.byteOffset)"
        do throws(BlockStoreError) {
            guard let size = try disk.size(of: use.block) else {
                return report.add(Finding(.b, place: place, detail: "\(file): no such block"))
            }
            guard size != Int(use.size) else { return }
            report.add(Finding(.b, place: place, detail: "\(file) has \(size) bytes, expected \(use.size)"))
        } catch {
            report.add(Finding(.b, place: place, detail: "\(error)"))
        }
    }
}
