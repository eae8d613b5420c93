import Client
import Protocol

/// A value of one line for each span or block, with as many lines as an extended attribute has room for. One that was
/// cut ends with a line that says under which name it goes on. Pure.
package struct PlacementList: Sendable {
    /// As much as Linux lets a value be.
    package static let mostBytes = 65536

    package enum Kind: String, Sendable {
        case spans, blocks
    }

    package let kind: Kind
    /// Failure domains of the block services that the registry knows.
    private let domains: [BlockServiceID: FailureDomain]
    package private(set) var bytes: [UInt8] = []
    /// Nothing fits in any more.
    package private(set) var isFull = false

    package init(_ kind: Kind, domains: [BlockServiceID: FailureDomain] = [:]) {
        self.kind = kind
        self.domains = domains
    }

    /// Adds what there is to say of a span.
    package mutating func append(_ span: CheckedSpan) {
        let rest = Array("... \(PlacementAttribute.name(of: kind.rawValue, from: span.byteOffset))\n".utf8)
        for line in lines(span) where !isFull {
            let next = Array("\(line)\n".utf8)
            // Of all lines there is room for the last one.
            if bytes.count + next.count + Self.restBytes > Self.mostBytes {
                isFull = true
                bytes += rest
            } else {
                bytes += next
            }
        }
    }

    private static let restBytes = PlacementAttribute.name(of: Kind.blocks.rawValue, from: .max).utf8.count + 5

    private func lines(_ span: CheckedSpan) -> [String] {
        switch (kind, span.content) {
        case (.spans, .inline(let bytes)):
            ["\(span.byteOffset) \(span.size) \(isHole(bytes, span.size) ? "HOLE" : "INLINE")"]
        case (.blocks, .inline): []
        case (.spans, .blocks(let copies)):
            copies.map { copy in
                "\(span.byteOffset) \(span.size) \(copy.layout.storageClass) \(copy.layout.parity.redundancy) "
                    + "location \(copy.location)"
            }
        case (.blocks, .blocks(let copies)):
            copies.flatMap { copy in
                copy.blocks.enumerated().map { index, source in
                    "\(span.byteOffset) \(copy.location) \(index) \(source.block) \(source.service.id) "
                        + domain(source.service.id)
                }
            }
        }
    }

    /// Whether nothing is stored of a span but that it is zeros: that needs one of them.
    private func isHole(_ bytes: [UInt8], _ size: UInt32) -> Bool {
        bytes.count < size && bytes.allSatisfy { $0 == 0 }
    }

    private func domain(_ service: BlockServiceID) -> String {
        guard let name = domains[service]?.description else { return "?" }
        // What anybody may have put there keeps to its line.
        return String(name.unicodeScalars.map { $0.value > 0x20 && $0.value != 0x7F ? Character($0) : "_" })
    }
}

extension Parity {
    /// As `sterna up --policy` says it.
    var redundancy: String {
        guard isMirroring else { return "rs:\(data),\(parity)" }
        return parity == 0 ? "single" : "mirror:\(parity + 1)"
    }
}
