import Protocol

/// A message of any kind, as far as feeding needs it.
protocol AnyMessage: Hashable {
    var encodedSize: Int { get }
    func encode(into writer: inout WireWriter) throws(EncodeError)
}

extension AnyMessage {
    func encoded() throws(EncodeError) -> [UInt8] { try encodedBytes(capacity: encodedSize, encode) }
}

extension AnyShardRequest: AnyMessage {}
extension AnyShardResponse: AnyMessage {}
extension AnyCdcRequest: AnyMessage {}
extension AnyCdcResponse: AnyMessage {}
extension AnyRegistryRequest: AnyMessage {}
extension AnyRegistryResponse: AnyMessage {}
extension AnyBlocksRequest: AnyMessage {}
extension AnyBlocksResponse: AnyMessage {}
extension AnyLogRequest: AnyMessage {}
extension AnyLogResponse: AnyMessage {}

/// What is accepted must be encodable, in as many bytes, and be the same when it is decoded again. (Not the same bytes:
/// any byte but 0 is true.)
func round<Value: Equatable>(
    _ bytes: UnsafeRawBufferPointer, _ decode: (UnsafeRawBufferPointer) -> Value?, _ encode: (Value) -> [UInt8]?
) -> String? {
    guard let value = decode(bytes) else { return nil }
    guard let again = encode(value) else { return "accepted, but not encodable: \(value)" }
    guard again.count == bytes.count else { return "\(bytes.count) bytes became \(again.count): \(value)" }
    return again.withUnsafeBytes(decode) == value ? nil : "does not come back: \(value)"
}

func value<Value: WireValue & Equatable>(_ type: Value.Type, _ bytes: UnsafeRawBufferPointer) -> String? {
    round(bytes, { try? Value(decoding: $0) }, { try? $0.encoded() })
}

func view<View: WireView>(_ type: View.Type, _ bytes: UnsafeRawBufferPointer) -> String?
where View.Owned: WireValue & Equatable {
    let owned = try? View.Owned(decoding: bytes)
    return owned == (try? View(decoding: bytes).owned) ? nil : "\(type) differs: \(String(describing: owned))"
}
