import Protocol

extension LinkFileWithSpanRequest {
    /// The two requests that this is in one.
    var span: AddInlineSpanRequest {
        AddInlineSpanRequest(
            fileId: fileId, cookie: cookie, storageClass: storageClass, byteOffset: byteOffset, size: size, crc: crc,
            body: body)
    }

    var link: LinkFileRequest { LinkFileRequest(fileId: fileId, cookie: cookie, ownerId: ownerId, name: name) }
}

extension LinkFileIfUnchangedRequest {
    /// The request without its condition.
    var link: LinkFileRequest { LinkFileRequest(fileId: fileId, cookie: cookie, ownerId: ownerId, name: name) }
}
