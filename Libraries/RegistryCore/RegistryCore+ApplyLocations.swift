import Protocol
import Store

/// Locations. A new one comes with empty rows for all shards, its CDC and its registry, so that they can register.
extension RegistryCore {
    func createLocation(_ request: CreateLocationRequest, in batch: inout WriteBatch) -> Result<Void, ProtocolError> {
        guard locations[request.id] == nil else { return .failure(.locationExists) }
        guard request.id != .invalid, locations.count < RegistryLimits.locations else {
            return .failure(.malformedRequest)
        }
        setLocation(request.id, LocationRow(name: request.name), in: &batch)
        return .success(())
    }

    func renameLocation(_ request: RenameLocationRequest, in batch: inout WriteBatch) -> Result<Void, ProtocolError> {
        guard var row = locations[request.id] else { return .failure(.locationNotFound) }
        row.name = request.name
        setLocation(request.id, row, in: &batch)
        return .success(())
    }
}
