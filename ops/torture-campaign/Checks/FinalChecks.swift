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
    let smallBlocks: SmallBlockView
    let files: [KnownFile]
    let doubts: [Doubt]
    /// Disks that are gone.
    let lostServices: Set<BlockServiceID>

    /// Paths of which it is not known whether there is a file.
    private var uncertain: Set<String> { doubts.reduce(into: []) { $0.formUnion($1.paths) } }

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

    /// What was cut off left everything as before or as after it.
    func cutOffCalls(mount: String) {
        for doubt in doubts {
            counters.add("cut-off calls looked at")
            if doubt.outcomes.contains(where: { holds($0, mount) }) { continue }
            findings.addLoss(
                of: doubt.paths.sorted().joined(separator: ", "),
                "\(doubt.what) was cut off, and \(doubt.paths.sorted()) are neither as before nor as after it")
        }
    }

    /// Directories and small files are where they were made or moved to.
    func trees(_ cases: [NameJudge.Case], mount: String) {
        for wanted in cases {
            counters.add("trees of names looked at")
            do {
                let found = try NameTree.read(wanted.root, mount: mount)
                if let fault = NameJudge.fault(found, wanted) {
                    findings.addLoss(of: wanted.root, "at the end: names: \(fault)")
                }
            } catch {
                findings.addLoss(of: wanted.root, "at the end: names cannot be read: \(error)")
            }
        }
    }

    private func holds(_ outcome: [String: Content?], _ mount: String) -> Bool {
        let verification = Verification()
        for (path, content) in outcome {
            let path = "\(mount)/\(path)"
            if let content {
                guard (try? verification.whole(path, content)) != nil else { return false }
            } else {
                guard access(path, F_OK) != 0, errno == ENOENT else { return false }
            }
        }
        return true
    }

    // MARK: Blocks

    /// Block services find exactly those blocks of existing files bad that are on record.
    /// - Returns: the bad ones.
    func blocks() -> Set<BlockID> {
        var bad: Set<BlockID> = []
        for file in files {
            do {
                for span in try view.spans(ofPath: file.path) { bad.formUnion(try check(span, file)) }
            } catch {
                findings.add("the blocks of \(file.path) could not be checked: \(error)")
            }
        }
        return bad
    }

    private func check(_ span: SpanBlocks, _ file: KnownFile) throws -> Set<BlockID> {
        let blocks = span.blocks.filter { !lostServices.contains($0.service) }
        let results = try view.wait(seconds: 120) { [queries = view.queries] in await queries.check(blocks) }
        var bad: Set<BlockID> = []
        for (block, result) in zip(blocks, results) {
            let damage = ledger[block.block]
            switch result {
            case .success(true):
                if let damage, !wasNotDone(damage), !wasMoved(damage) {
                    findings.add("\(damage.kind) of block \(block.block) of \(file.path) is not noticed")
                }
            case .success(false):
                counters.add("damaged blocks found at the end")
                bad.insert(block.block)
                if damage == nil {
                    findings.add("block \(block.block) of \(file.path) at \(span.offset) is bad, and nobody damaged it")
                }
            case .failure(let error):
                findings.add("block \(block.block) of \(file.path) could not be checked: \(error)")
            }
        }
        return bad
    }

    /// Whether the disk had refused the damage, and the block is sound indeed.
    private func wasNotDone(_ damage: Ledger.Entry) -> Bool {
        guard !damage.isCertain else { return false }
        ledger.withdraw(damage.block)
        return true
    }

    /// Whether a small block lies where it was not damaged: its service had read it to move it just before.
    private func wasMoved(_ damage: Ledger.Entry) -> Bool {
        guard !damage.places.isEmpty,
            let place = smallBlocks.places(of: damage.block, onDisk: damage.disk).last, !damage.places.contains(place)
        else { return false }
        counters.add("block faults that came too late")
        ledger.withdraw(damage.block)
        return true
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

    /// Blocks on disks that belong to no file.
    private func strangers() throws -> Set<String> {
        // Disks first: a block that is written after that is not in the list.
        var paths: [String: String] = [:]
        var small: [(block: BlockID, disk: Int)] = []
        for disk in 0..<cluster.disks {
            for path in blockFiles(onDisk: disk) { paths[(path as NSString).lastPathComponent + ":\(disk)"] = path }
            small += smallBlocks.blocks(onDisk: disk).map { ($0, disk) }
        }
        let (wanted, services) = try wantedBlocks()
        let large = paths.values.filter { !wanted.contains(($0 as NSString).lastPathComponent) }
        return Set(large).union(
            try present(small.filter { !wanted.contains(BlockPath($0.block).name) }, services))
    }

    /// Those small blocks that their services know.
    private func present(
        _ blocks: [(block: BlockID, disk: Int)], _ services: [BlockServiceID: BlockService]
    ) throws -> [String] {
        var found: [String] = []
        for (block, disk) in blocks {
            // A service without any block of a file is not known here, which does not happen in a campaign.
            guard let service = cluster.service(onDisk: disk).flatMap({ services[$0] }) else { continue }
            let isThere = try view.wait { [queries = view.queries] in try await queries.has(block, at: service) }
            if isThere { found.append("small block \(block) on disk \(disk)") }
        }
        return found
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

    /// Names of the blocks of all files that must exist, or may still get a name, and the services that have them.
    private func wantedBlocks() throws -> (names: Set<String>, services: [BlockServiceID: BlockService]) {
        let queries = view.queries
        let paths = files.map(\.path) + uncertain
        return try view.wait(seconds: 300) {
            var inodes = try await queries.unfinishedFiles()
            for path in paths {
                if let inode = try await queries.inode(ofPath: path) { inodes.insert(inode) }
            }
            var names: Set<String> = []
            var services: [BlockServiceID: BlockService] = [:]
            for inode in inodes {
                do {
                    for span in try await queries.spans(of: inode) {
                        names.formUnion(span.blocks.map { BlockPath($0.block).name })
                        for block in span.blocks { services[block.service] = block.source.service }
                    }
                } catch let error as ClientError where error.isRefusal(.fileNotFound) {
                    // Destroyed since it was listed.
                }
            }
            return (names, services)
        }
    }
}
