import Protocol

/// Who carries requests to block services and their answers back: connections, or a simulated network. One call for
/// each operation, whatever its size. Confined to the client's loop.
package protocol BlockExchange: AnyObject {
    /// Asks the registry where block services are, and calls `located`.
    var locate: (() -> Void)? { get set }

    /// Sends the request. Its completion is called later or at once.
    func submit(_ operation: BlockOperation, purpose: BlockPurpose)

    /// Gives up a request under way.
    func abandon(_ operation: BlockOperation, _ reason: String)

    /// Takes over where block services are; nil when the registry did not say.
    func located(_ places: [BlockServiceID: AddrsInfo]?)

    /// Fails everything under way.
    func close()
}

/// What a request is for. Requests for one purpose do not wait for those for another.
package enum BlockPurpose: Hashable, Sendable, CaseIterable {
    /// `trial`: requests that a server may not know.
    case write, fetch, erase, check, trial
}
