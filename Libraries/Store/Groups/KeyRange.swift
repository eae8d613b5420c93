/// The keys in `lower ..< upper`; to the end of the store when `upper` is nil.
struct KeyRange: Equatable, Sendable {
    var lower: [UInt8]
    var upper: [UInt8]?
}
