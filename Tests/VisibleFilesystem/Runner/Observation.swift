import Foundation
import VisibleFilesystem

/// What is found under a name.
struct Observation {
    let content: [UInt8]
    let status: Status
    let extended: [String: Data]

    /// Something that there cannot be.
    struct Unexpected: Error {
        let description: String
    }

    /// Nil: there is nothing. Reading comes last, since it moves the access time.
    static func find(
        _ name: String, withExtended: Bool, _ ask: (Call) throws -> Reply
    ) throws -> Observation? {
        func unexpected(_ reply: Reply) -> Unexpected { Unexpected(description: "answered \(reply.summary)") }
        let status: Status
        switch try ask(.stat(name: name)) {
        case .attributes(_, _, let found): status = found
        case .failed(ENOENT): return nil
        case let reply: throw unexpected(reply)
        }
        var extended: [String: Data] = [:]
        if withExtended {
            let reply = try ask(.extended(.name(name)))
            guard case .extended(let found) = reply else { throw unexpected(reply) }
            extended = found
        }
        let reply = try ask(.readAll(name: name))
        guard case .bytes(let content) = reply else { throw unexpected(reply) }
        return Observation(content: Array(content), status: status, extended: extended)
    }

    /// How it differs from what may be there; nil when it does not.
    func difference(_ right: Appearance?) -> String? {
        guard let right else { return "\(content.count) bytes instead of nothing" }
        return right.difference(content, status, extended)
    }
}
