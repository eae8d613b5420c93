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

extension PublishFileRequest {
    /// The span that ends the file; without a body: none.
    var span: AddInlineSpanRequest {
        AddInlineSpanRequest(
            fileId: fileId, cookie: cookie, storageClass: storageClass, byteOffset: byteOffset, size: size, crc: crc,
            body: body)
    }

    /// The request without anything to say about what the name led to before.
    var link: LinkFileRequest { LinkFileRequest(fileId: fileId, cookie: cookie, ownerId: ownerId, name: name) }
}

extension LinkFileIfUnchangedRequest {
    /// The request without its condition.
    var link: LinkFileRequest { LinkFileRequest(fileId: fileId, cookie: cookie, ownerId: ownerId, name: name) }
}
