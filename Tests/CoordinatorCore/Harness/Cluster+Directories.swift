import Protocol

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

extension Cluster {
    /// Makes a directory and waits for it.
    func makeDirectory(_ name: String, in owner: InodeID) throws -> MakeDirectoryResponse {
        let request = AnyCdcRequest.makeDirectory(MakeDirectoryRequest(ownerId: owner, name: bytes(name)))
        guard case .makeDirectory(let response) = try call(request).get() else { throw ProtocolError.malformedResponse }
        return response
    }
}
