import Protocol

/// Sees every request of a client and the first answer to each: keeps the record of what was wanted and seen, and holds
/// answers to what requests of their kind can get.
final class RequestWitness {
    private struct Record {
        let request: Message.Body
        let begun: UInt64
        let intents: [Intent]
        /// How many copies of the request there ever were.
        var copies = 0
        var isAnswered = false
    }

    private let client: Int
    private unowned let cluster: SimulatedCluster
    private var records: [UInt64: Record] = [:]
    /// What users are doing with this client.
    var operations: [Operation] = []
    /// What the files contain that are about to get these names.
    var contents: [Place: FileContents] = [:]

    init(_ client: Int, _ cluster: SimulatedCluster) {
        self.client = client
        self.cluster = cluster
    }

    private var world: World { cluster.world }

    /// - Parameter copies: how many of it are on their way.
    func sent(_ message: Message, copies: Int) {
        if records[message.id] == nil { records[message.id] = begin(message) }
        records[message.id]?.copies += copies
        for intent in records[message.id]?.intents ?? [] { intent.attempts += 1 }
        // A refusal that the client has not heard, or not believed, is no longer the last word.
        if let record = records[message.id], record.isAnswered {
            for intent in record.intents where intent.isRefused { intent.end(.unknown, at: world.now) }
        }
    }

    private func begin(_ message: Message) -> Record {
        let intents = message.wantedChanges.map { place, change in
            Intent(
                change, place, namesFile: message.namesFile, operation: "client \(client)'s \(message.kindName)",
                at: world.now)
        }
        for intent in intents {
            cluster.names.add(intent)
            // What its user wrote into it is complete when its name is asked for first.
            guard message.namesFile, let file = intent.target, cluster.contents[file] == nil else { continue }
            cluster.contents[file] = contents[intent.place]
        }
        // What is sent first by a timer nobody's task sends.
        for operation in Operation.current.map({ [$0] }) ?? operations { operation.intents += intents }
        return Record(request: message.body, begun: world.now, intents: intents)
    }

    /// An answer arrives. Later ones say the same, or too late.
    func answered(_ message: Message) {
        guard var record = records[message.id], !record.isAnswered else { return }
        record.isAnswered = true
        records[message.id] = record
        switch (record.request, message.body) {
        case (.shardRequest(let request), .shardAnswer(.failure(let code))):
            if !RefusalRules.allow(code, of: request.kind) { world.find("\(request.kind) is refused with \(code)") }
            refused(record, code)
            if code == .nameNotFound { sawNothing(request, record) }
        case (.coordinatorRequest(let request), .coordinatorAnswer(.failure(let code))):
            if !RefusalRules.allow(code, of: request.kind) { world.find("\(request.kind) is refused with \(code)") }
            refused(record, code)
        case (.shardRequest(let request), .shardAnswer(.success(let response))):
            guard request.kind == response.kind else {
                return world.find("\(request.kind) is answered with \(response.kind)")
            }
            succeeded(record, nil)
            saw(request, response, record)
        case (.coordinatorRequest(let request), .coordinatorAnswer(.success(let response))):
            guard request.kind == response.kind else {
                return world.find("\(request.kind) is answered with \(response.kind)")
            }
            succeeded(record, response.madeDirectory)
            promise(request, response)
        default: world.find("\(message) answers something else")
        }
    }

    // MARK: Changes

    private func refused(_ record: Record, _ code: ProtocolError) {
        let isDefinite = !code.isServerTrouble && record.copies == 1
        for intent in record.intents { intent.end(isDefinite ? .refused : .unknown, at: world.now) }
    }

    private func succeeded(_ record: Record, _ made: Meaning?) {
        for intent in record.intents { intent.end(.succeeded(made), at: world.now) }
    }

    private func promise(_ request: AnyCdcRequest, _ response: AnyCdcResponse) {
        guard case .makeDirectoryWithAttributes(let request) = request, request.isExclusive,
            let made = response.madeDirectory
        else { return }
        cluster.watch.attributes.promised(made.target, request.change, inherits: false)
    }

    private func published(_ request: PublishFileWithAttributesRequest, _ number: InodeID) {
        cluster.numbers[request.publication.fileId] = number
        cluster.watch.attributes.promised(
            request.publication.fileId, request.change, inherits: request.inherits && request.kind == .none,
            otherwise: request.otherwise, kind: request.kind, device: request.device)
    }

    // MARK: Observations

    private func saw(_ request: AnyShardRequest, _ response: AnyShardResponse, _ record: Record) {
        switch (request, response) {
        case (.lookup(let asked), .lookup(let found)):
            observed(
                Place(directory: asked.dirId, name: asked.name),
                Meaning(target: found.targetId, creationTime: found.creationTime), record)
        case (.readDir(let asked), .readDir(let page)):
            for edge in page.results {
                observed(
                    Place(directory: asked.dirId, name: edge.name),
                    Meaning(target: edge.targetId, creationTime: edge.creationTime), record)
            }
        case (.publishFile(let asked), .publishFile(let done)): cluster.numbers[asked.fileId] = done.number
        case (.publishFileWithAttributes(let asked), .publishFileWithAttributes(let done)):
            published(asked, done.number)
        case (.certifyAndPublish(let asked), .certifyAndPublish(let done)):
            published(asked.publication, done.publication.number)
        case (.constructFiles(let asked), .constructFiles(let made)):
            guard Set(made.files.map(\.id)).count != Int(asked.count) else { return }
            world.find("\(asked.count) files were asked for, and \(made.files) made")
        default: break
        }
    }

    private func sawNothing(_ request: AnyShardRequest, _ record: Record) {
        guard case .lookup(let asked) = request else { return }
        observed(Place(directory: asked.dirId, name: asked.name), nil, record)
    }

    private func observed(_ place: Place, _ meaning: Meaning?, _ record: Record) {
        cluster.names.observed(place, meaning, from: record.begun, to: world.now)
    }
}

extension Message {
    fileprivate var kindName: String {
        switch body {
        case .shardRequest(let request): "\(request.kind)"
        case .coordinatorRequest(let request): "\(request.kind)"
        default: "message"
        }
    }

    /// Whether it gives a name to a file that has none.
    fileprivate var namesFile: Bool {
        guard case .shardRequest(let request) = body else { return false }
        return switch request {
        case .linkFile, .linkFileWithSpan, .linkFileIfUnchanged, .publishFile, .publishFileWithAttributes,
            .certifyAndPublish:
            true
        default: false
        }
    }
}

extension AnyCdcResponse {
    fileprivate var madeDirectory: Meaning? {
        switch self {
        case .makeDirectory(let made): Meaning(target: made.id, creationTime: made.creationTime)
        case .makeDirectoryExclusive(let made): Meaning(target: made.id, creationTime: made.creationTime)
        case .makeDirectoryWithAttributes(let made): Meaning(target: made.id, creationTime: made.creationTime)
        default: nil
        }
    }
}
