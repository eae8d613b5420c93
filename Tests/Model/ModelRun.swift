import Protocol
import ReferenceModel

/// A model and real cores that are given the same steps.
final class ModelRun {
    private let real: RealNamespace
    private var model: NamespaceModel
    private var labels = Labels()
    private var times = Times()
    private var cookies: [InodeID: Cookie] = [:]
    private var checker: StateChecker
    /// How often each kind of request was answered how.
    private(set) var answers: [String: Int] = [:]
    /// A disagreement on purpose: the model forgets what these requests changed.
    private let forgetting: (NamespaceRequest) -> Bool

    /// - Parameter distortion: another disagreement on purpose, of what is answered about attributes.
    init(
        forgetting: @escaping (NamespaceRequest) -> Bool = { _ in false },
        distortion: @escaping (inout StatAttributesResponse) -> Void = { _ in }
    ) throws {
        real = try RealNamespace()
        model = NamespaceModel(rootInfo: try DirectoryInfo.sternaRootDefault().bodies)
        checker = StateChecker(real)
        self.forgetting = forgetting
        real.distortion = distortion
    }

    /// Where model and cores part; nil when they do not.
    static func firstDifference(
        _ script: [ModelOperation], forgetting: @escaping (NamespaceRequest) -> Bool = { _ in false }
    ) throws -> String? {
        try ModelRun(forgetting: forgetting).firstDifference(script)
    }

    func firstDifference(_ script: [ModelOperation]) throws -> String? {
        for (index, step) in script.enumerated() {
            let difference = try carryOut(step) ?? (index % 16 == 15 ? wholeDifference() : nil)
            if let difference { return "step \(index), \(step): \(difference)" }
        }
        return try wholeDifference().map { "in the end: \($0)" }
    }

    /// Nil when the script passes; otherwise a report with the fewest steps that do not, to be pasted into a test.
    static func report(
        _ script: [ModelOperation], forgetting: @escaping (NamespaceRequest) -> Bool = { _ in false }
    ) throws -> (script: [ModelOperation], text: String)? {
        guard try firstDifference(script, forgetting: forgetting) != nil else { return nil }
        let fewest = try Shrinker.shrink(script, rewrites: ModelOperation.rewrites) {
            try firstDifference($0, forgetting: forgetting) != nil
        }
        let difference = try firstDifference(fewest, forgetting: forgetting) ?? "it is gone"
        return (fewest, "\(difference)\n\(fewest.asSource)")
    }

    /// Carries out a step and says how model and cores differ afterwards.
    private func carryOut(_ step: ModelOperation) throws -> String? {
        guard let request = labels.request(step, model) else { return nil }
        switch step {
        case .create(let file, let owner, let name, _):
            if let difference = try construct(request, label: file) { return difference }
            guard let link = labels.request(.link(file: file, in: owner, name: name), model) else { return nil }
            return try carryOut(link)
        case .edit(let file, let owner, let name, _, let expectation, let continues, let supersedes, let attributes):
            if let difference = try construct(request, label: file) { return difference }
            return try carryOut(
                .publish(
                    file: file, in: owner, name: name, expectation, continues: continues, supersedes: supersedes,
                    attributes: attributes))
        case .construct(let file, _): return try construct(request, label: file)
        case .makeDirectory(let label, _, _, _): return try carryOut(request, directoryLabel: label)
        default: return try carryOut(request)
        }
    }

    private func construct(_ request: NamespaceRequest, label: Int) throws -> String? {
        guard case .construct(let directory, let size) = request else { return nil }
        let file = try real.construct(in: directory, size: size).get()
        cookies[file.id] = file.cookie
        labels.giveFile(label, to: file.id)
        let expected = model.perform(request, newID: file.id)
        return expected == .made(file.id) ? nil : "made \(file.id), expected \(expected)"
    }

    private func carryOut(_ request: NamespaceRequest, directoryLabel: Int? = nil) throws -> String? {
        let cookie = request.file.flatMap { cookies[$0] }
        let reply = try real.perform(request, cookie: cookie) { times.time($0.since, in: $0.directory) }
        var newID: InodeID?
        if case .directory(let id, _) = reply { newID = id }
        if case (.resurrect(let edge, _), .since) = (request, reply) { newID = try real.number(of: edge.target).get() }
        let before = model
        let expected = model.perform(request, newID: newID)
        if forgetting(request) { model = before }
        if let directoryLabel, let newID { labels.giveDirectory(directoryLabel, to: newID) }
        answers[request.kind + (reply.refusal.map { " \($0)" } ?? ""), default: 0] += 1
        guard isEqual(reply, expected, request) else { return "answered \(reply), expected \(expected)" }
        for directory in request.directories {
            if let difference = try checker.difference(of: directory, model, &times) { return difference }
        }
        return try request.file.flatMap { try checker.difference(ofFile: $0, model, times) }
    }

    private func isEqual(
        _ reply: NamespaceReply<Timestamp>, _ expected: NamespaceReply<Moment>, _ request: NamespaceRequest
    ) -> Bool {
        switch (reply, expected) {
        case (.done, .done): true
        case (.made(let id), .made(let right)): id == right
        case (.refused(let code), .refused(let right)): code == right
        case (.since(let time), .since(let moment)):
            times.match(moment, time, in: request.timedDirectory ?? .null)
        case (.directory(let id, let time), .directory(let right, let moment)):
            id == right && times.match(moment, time, in: request.timedDirectory ?? .null)
        default: false
        }
    }

    private func wholeDifference() throws -> String? {
        try checker.wholeDifference(model, &times)
    }
}

extension NamespaceReply {
    fileprivate var refusal: ProtocolError? {
        if case .refused(let code) = self { return code }
        return nil
    }
}

extension NamespaceRequest {
    /// What it is, without what it is about.
    var kind: String { String("\(self)".prefix { $0 != "(" }) }

    /// The file that the request is about by its id alone.
    var file: InodeID? {
        switch self {
        case .link(let file, _, _), .linkOver(let file, _, _, _), .setTime(let file, _), .scrap(let file),
            .removeSpan(let file), .removeFile(let file):
            file
        case .publish(let publication): publication.file
        case .setAttributes(let id, _): id.isFile ? id : nil
        case .hardUnlink(let edge): edge.target
        // What a name did not lead to anything by may be asked for as well.
        case .resurrect(let edge, _): edge.target.isFile ? edge.target : nil
        default: nil
        }
    }
}
