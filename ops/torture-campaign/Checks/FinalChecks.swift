import BlockStore
import Client
import Foundation
import Protocol

/// What must hold at the end, when everything runs again and nobody changes anything.
struct FinalChecks {
    let cluster: TortureCluster
    let view: ClusterView
    let ledger: Ledger
    let findings: Findings
    let counters: Counters
    let files: [KnownFile]
    let uncertain: Set<String>
    /// Disks that are gone.
    let lostServices: Set<BlockServiceID>

    // MARK: Contents

    /// Every file whose close() returned 0 and that nobody deleted is as it was written.
    func contents(mount: String) {
        let verification = Verification()
        for file in files {
            do {
                _ = try verification.whole("\(mount)/\(file.path)", file.content)
                counters.add("files verified at the end")
            } catch let difference as Verification.Difference {
                findings.addWrongBytes("at the end: \(difference) (content \(file.content))")
            } catch {
                findings.addLoss(of: file.path, "at the end: \(error)")
            }
        }
        for directory in LoadContext.directories { names(mount, directory) }
    }

    /// No name is there that should not be.
    private func names(_ mount: String, _ directory: String) {
        let wanted = Set(files.map(\.path)).union(uncertain)
        guard let found = try? FileManager.default.contentsOfDirectory(atPath: "\(mount)/\(directory)") else {
            return findings.add("\(directory) cannot be listed at the end")
        }
        for name in found where !wanted.contains("\(directory)/\(name)") {
            findings.add("\(directory)/\(name) is there although it was deleted or never finished")
        }
    }

    // MARK: Blocks

    /// Block services find exactly those blocks of existing files bad that are on record.
    func blocks() {
        for file in files {
            do {
                for span in try view.spans(ofPath: file.path) { try check(span, file) }
            } catch {
                findings.add("the blocks of \(file.path) could not be checked: \(error)")
            }
        }
    }

    private func check(_ span: SpanBlocks, _ file: KnownFile) throws {
        let blocks = span.blocks.filter { !lostServices.contains($0.service) }
        let results = try view.wait(seconds: 120) { [queries = view.queries] in await queries.check(blocks) }
        for (block, result) in zip(blocks, results) {
            let damage = ledger[block.block]
            switch result {
            case .success(true):
                if let damage { findings.add("\(damage.kind) of block \(block.block) of \(file.path) is not noticed") }
            case .success(false):
                counters.add("damaged blocks found at the end")
                if damage == nil {
                    findings.add("block \(block.block) of \(file.path) at \(span.offset) is bad, and nobody damaged it")
                }
            case .failure(let error):
                findings.add("block \(block.block) of \(file.path) could not be checked: \(error)")
            }
        }
    }

    // MARK: Space

    /// Blocks of deleted files are gone from the disks, at the latest after so many seconds.
    func leftovers(withinSeconds seconds: Double) {
        do {
            let deadline = monotonicSeconds() + seconds
            var left = try strangers()
            var nextRestart = monotonicSeconds()
            while !left.isEmpty, monotonicSeconds() < deadline {
                // It rests twenty times as long as its last round took, unless it is started anew.
                if monotonicSeconds() >= nextRestart, let pid = cluster.pid(of: "gc") {
                    kill(pid, SIGTERM)
                    nextRestart += 40
                }
                sleep(2)
                // What was not there before was written meanwhile, and is none of deleted files.
                left = try left.intersection(strangers())
            }
            counters.add("blocks left over", left.count)
            for path in left.sorted().prefix(20) {
                findings.add("\(path) belongs to no file, \(Int(seconds)) s after the last deletion")
            }
            if left.count > 20 { findings.add("and \(left.count - 20) more of them") }
        } catch {
            findings.add("it could not be found out whether deleted files' blocks are gone: \(error)")
        }
    }

    /// Block files on disks that belong to no file.
    private func strangers() throws -> Set<String> {
        // Disks first: a block that is written after that is not in the list.
        var paths: [String: String] = [:]
        for disk in 0..<cluster.disks {
            for path in blockFiles(onDisk: disk) { paths[(path as NSString).lastPathComponent + ":\(disk)"] = path }
        }
        let wanted = try wantedBlocks()
        return Set(paths.values.filter { !wanted.contains(($0 as NSString).lastPathComponent) })
    }

    private func blockFiles(onDisk disk: Int) -> [String] {
        let root = cluster.path(ofDisk: disk) + "/with_crc"
        let enumerator = FileManager.default.enumerator(atPath: root)
        var paths: [String] = []
        while let path = enumerator?.nextObject() as? String {
            let name = (path as NSString).lastPathComponent
            if name.count == 16, !name.hasPrefix("tmp.") { paths.append("\(root)/\(path)") }
        }
        return paths
    }

    /// Names of the blocks of all files that must exist, or may still get a name.
    private func wantedBlocks() throws -> Set<String> {
        let queries = view.queries
        let paths = files.map(\.path) + uncertain
        return try view.wait(seconds: 300) {
            var inodes = try await queries.unfinishedFiles()
            for path in paths {
                if let inode = try await queries.inode(ofPath: path) { inodes.insert(inode) }
            }
            var names: Set<String> = []
            for inode in inodes {
                do {
                    for span in try await queries.spans(of: inode) {
                        names.formUnion(span.blocks.map { BlockPath($0.block).name })
                    }
                } catch let error as ClientError where error.isRefusal(.fileNotFound) {
                    // Destroyed since it was listed.
                }
            }
            return names
        }
    }
}
