import Client
import Filesystem
import Glibc

extension Client {
    var requestsSent: UInt64 { core.transport.counters.requests }
}

extension FilesystemOptions {
    /// Everything is asked for anew.
    static var withoutMemory: FilesystemOptions {
        var options = FilesystemOptions()
        options.caching.names = 0
        return options
    }
}

extension Host {
    func attributes(_ name: String) async throws -> Attributes {
        let attributes = try await filesystem.lookup(Array(name.utf8), in: directory).attributes
        await filesystem.forget(attributes.node, 1)
        return attributes
    }

    func permissions(_ name: String) async throws -> Permissions? { try await attributes(name).permissions }

    func change(_ name: String, _ change: AttributeChange) async throws -> Attributes {
        try await filesystem.setAttributes(try await node(name), change, through: nil)
    }

    /// The value of an extended attribute; nil: there is none.
    func extended(_ attribute: String, of name: String) async throws -> [UInt8]? {
        do {
            return try await filesystem.extendedAttribute(Array(attribute.utf8), of: try await node(name))
        } catch let error as FilesystemError where error.code == ENODATA {
            return nil
        }
    }

    /// How many requests to shards and the coordinator something takes.
    func requests(_ body: () async throws -> Void) async throws -> UInt64 {
        let before = await filesystem.client.requestsSent
        try await body()
        return await filesystem.client.requestsSent - before
    }
}
