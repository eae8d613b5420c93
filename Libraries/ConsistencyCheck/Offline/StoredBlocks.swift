import BlockStore
import Glibc
import Protocol
import ShardCore

/// The disks of a stopped cluster: whether the blocks that spans name are there, at their size (services.md B.2).
struct StoredBlocks {
    private var paths: [BlockServiceID: String] = [:]
    private var isRetired: Set<BlockServiceID> = []
    private var unknown: Set<BlockServiceID> = []
    private let report: CheckReport

    /// - Parameter directory: holds one directory for each disk.
    init(_ directory: String, _ services: [BlockServiceDeprecatedInfo], _ report: CheckReport) {
        self.report = report
        for name in names(in: directory) {
            let path = "\(directory)/\(name)"
            if let id = BlockDisk.identity(at: path) { paths[id] = path }
        }
        for service in services where service.flags.contains(.decommissioned) { isRetired.insert(service.id) }
    }

    /// Looks for one block.
    mutating func check(_ use: BlockUse) {
        guard use.isStored, !isRetired.contains(use.service) else { return }
        guard let path = paths[use.service] else {
            if unknown.insert(use.service).inserted {
                report.add(
                    Finding(
                        .b, .notice, place: "block service \(use.service)",
                        detail: "its disk is not below the directory; its blocks were not looked for"))
            }
            return
        }
        let file = path + "/" + BlockDisk.relativePath(of: use.block)
        var status = Glibc.stat()
        let place = "block \(use.block) of file \(use.file), span at \(use.byteOffset)"
        guard stat(file, &status) == 0 else {
            let why = String(cString: strerror(errno))
            return report.add(Finding(.b, place: place, detail: "\(file): \(why)"))
        }
        let expected = BlockDisk.storedSize(ofBlock: use.size)
        if Int64(status.st_size) != expected {
            report.add(
                Finding(.b, place: place, detail: "\(file) has \(status.st_size) bytes, expected \(expected)"))
        }
    }
}
