import Protocol
import Wire

/// The leader's side: what can be refused without looking at the state, and the making of entries.
extension RegistryCore {
    /// Turns a request that changes the state into the log entries that carry it out, in order. The client's answer
    /// is the first error among the entries' replies, or the last reply.
    ///
    /// - Parameter now: the wall clock; the entries' times are at or after it and strictly increasing.
    /// - Throws: MALFORMED_REQUEST and the other refusals that need no state; also for requests that only read.
    public func prepare(_ request: AnyRegistryRequest, at now: Timestamp) throws(ProtocolError) -> [[UInt8]] {
        try validate(request)
        var entries: [[UInt8]] = []
        for part in Self.parts(of: request) {
            entries.append(try entry(.request(part), at: now))
        }
        return entries
    }

    /// An entry that records has-files changes, at most 100 of them per call; see services.md A.10.
    public func prepareHasFiles(_ changes: [HasFilesChange], at now: Timestamp) throws(ProtocolError) -> [UInt8] {
        guard changes.count <= 100 else { throw .malformedRequest }
        return try entry(.setHasFiles(changes), at: now)
    }

    func entry(_ command: RegistryEntry.Command, at now: Timestamp) throws(ProtocolError) -> [UInt8] {
        let previous = max(lastPreparedTime.nanoseconds, meta.lastEntryTime.nanoseconds)
        guard previous < .max else { throw .internalError }
        let time = Timestamp(nanoseconds: max(now.nanoseconds, previous + 1))
        do throws(EncodeError) {
            let bytes = try RegistryEntry(time: time, rules: configuration.rules, command: command).encoded()
            lastPreparedTime = time
            return bytes
        } catch {
            throw .malformedRequest
        }
    }

    private func validate(_ request: AnyRegistryRequest) throws(ProtocolError) {
        switch request {
        case .registerShard(let request): try validate(request.addrs)
        case .registerCdc(let request): try validate(request.addrs)
        case .registerRegistry(let request): try validate(request.addrs)
        case .registerReplica(let request):
            guard configuration.extensions.contains(.replicas) else { throw .unrecognizedRequest }
            try validate(request.addrs)
        case .registerBlockServices(let request):
            for service in request.blockServices { try service.checkRegistrable() }
        case .createLocation(let request):
            guard request.id != .invalid else { throw .malformedRequest }
        case .setDefaultOwnership(let request):
            guard configuration.extensions.contains(.attributes) else { throw .unrecognizedRequest }
            guard request.isPossible else { throw .malformedRequest }
        default:
            guard request.kind.isLogged else { throw .unrecognizedRequest }
        }
    }

    private func validate(_ addrs: AddrsInfo) throws(ProtocolError) {
        guard addrs.isRegistrable else { throw .malformedRequest }
    }

    /// Splits a long registration so that every entry fits one log datagram.
    private static func parts(of request: AnyRegistryRequest) -> [AnyRegistryRequest] {
        guard case .registerBlockServices(let whole) = request else { return [request] }
        var parts: [[RegisterBlockServiceInfo]] = [[]]
        let room = RegistryLimits.entryBytes - RegistryEntry.headerSize - UInt16.wireSize
        var size = 0
        for service in whole.blockServices {
            if size + service.encodedSize > room {
                parts.append([])
                size = 0
            }
            size += service.encodedSize
            parts[parts.count - 1].append(service)
        }
        return parts.map { .registerBlockServices(RegisterBlockServicesRequest(blockServices: $0)) }
    }
}
