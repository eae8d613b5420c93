import Foundation
import TestSupport
import VolatileDisk

/// A disk in a temporary directory that writes nothing of itself.
final class DiskUnderTest {
    let disk: VolatileDisk
    private let directory: TemporaryDirectory

    init(seed: UInt64 = 1, writesBack: Bool = false) throws {
        directory = try TemporaryDirectory("disk")
        disk = VolatileDisk(directory: directory.path, seed: seed, writesBack: writesBack)
    }

    func split(_ path: String) throws -> (directory: Node, name: [UInt8]) {
        let path = path as NSString
        return (try disk.node(at: path.deletingLastPathComponent), Array(path.lastPathComponent.utf8))
    }

    @discardableResult func make(_ path: String, _ text: String = "") throws -> Node {
        let place = try split(path)
        let node = try disk.makeFile(place.name, in: place.directory, mode: 0o644)
        try write(node, text)
        return node
    }

    @discardableResult func makeDirectory(_ path: String) throws -> Node {
        let place = try split(path)
        return try disk.makeDirectory(place.name, in: place.directory, mode: 0o755)
    }

    func write(_ node: Node, _ text: String, at offset: Int = 0) throws {
        try write(node, Array(text.utf8), at: offset)
    }

    func write(_ node: Node, _ bytes: [UInt8], at offset: Int = 0) throws {
        try bytes.withUnsafeBytes { try disk.write(node, $0, at: offset) }
    }

    func rename(_ old: String, _ new: String) throws {
        let (from, to) = (try split(old), try split(new))
        try disk.rename(from.name, in: from.directory, to: to.name, in: to.directory)
    }

    func unlink(_ path: String) throws {
        let place = try split(path)
        try disk.unlink(place.name, in: place.directory)
    }

    func removeDirectory(_ path: String) throws {
        let place = try split(path)
        try disk.removeDirectory(place.name, in: place.directory)
    }

    func link(_ old: String, _ new: String) throws {
        let place = try split(new)
        try disk.link(try disk.node(at: old), place.name, in: place.directory)
    }

    func sync(_ paths: String...) throws {
        for path in paths { try disk.sync(try disk.node(at: path)) }
    }

    @discardableResult func cut(_ survival: Survival = .none, below path: String = "/") throws -> Losses {
        try disk.cutPower(below: try disk.node(at: path), survival)
    }

    func bytes(_ path: String) throws -> [UInt8] {
        let node = try disk.node(at: path)
        var bytes = [UInt8](repeating: 0xee, count: node.size)
        let count = try bytes.withUnsafeMutableBytes { try disk.read(node, $0, at: 0) }
        return Array(bytes[..<count])
    }

    /// nil when the name does not exist.
    func text(_ path: String) throws -> String? {
        do {
            return String(decoding: try bytes(path), as: UTF8.self)
        } catch let error as DiskError where error.code == ENOENT {
            return nil
        }
    }

    func names(_ path: String) throws -> [String] {
        try disk.list(try disk.node(at: path)).map { String(decoding: $0.name, as: UTF8.self) }
    }
}
