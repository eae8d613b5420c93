import Protocol

/// A name in a directory.
struct Place: Hashable, CustomStringConvertible {
    let directory: InodeID
    let name: [UInt8]

    var description: String { "\(directory)/\(String(decoding: name, as: UTF8.self))" }
}

/// What a name means: an inode since some time.
struct Meaning: Hashable, CustomStringConvertible {
    let target: InodeID
    let creationTime: Timestamp

    var description: String { "\(target) of \(creationTime)" }
}

/// What every name meant at every moment, as the shards applied it, and what clients wanted and saw: together they tell
/// whether each name behaved as a single register (linearizability), since each change happens at one known moment.
final class NameHistory {
    private struct Change {
        let time: UInt64
        let before: Meaning?
        let meaning: Meaning?
    }

    private struct Observation {
        let place: Place
        let meaning: Meaning?
        let invoked: UInt64
        let returned: UInt64
    }

    private var changes: [Place: [Change]] = [:]
    private var intents: [Place: [Intent]] = [:]
    private var observations: [Observation] = []

    /// What `place` means now, as far as is known.
    func meaning(of place: Place) -> Meaning? { changes[place]?.last?.meaning }

    /// The names of a directory that mean something.
    var places: [Place] { changes.compactMap { $0.value.last?.meaning == nil ? nil : $0.key } }

    func add(_ intent: Intent) { intents[intent.place, default: []].append(intent) }

    /// A shard says that `place` means `meaning` now. Returns what is wrong with that, if anything.
    func changed(_ place: Place, to meaning: Meaning?, at now: UInt64) -> String? {
        let before = self.meaning(of: place)
        guard before != meaning else { return nil }
        changes[place, default: []].append(Change(time: now, before: before, meaning: meaning))
        var seen: Set<Int> = []
        guard explain(changes[place, default: []].count - 1, at: place, &seen) else {
            return "\(place) changed from \(Self.text(before)) to \(Self.text(meaning)), and nobody wanted that now"
        }
        return nil
    }

    /// Finds a request that made a change, each of which makes one at most: one that is free, or one whose change has
    /// another explanation.
    private func explain(_ number: Int, at place: Place, _ seen: inout Set<Int>) -> Bool {
        guard seen.insert(number).inserted, let change = changes[place]?[number] else { return false }
        let candidates = (intents[place] ?? []).filter {
            $0.explains(change.meaning, after: change.before, at: change.time)
        }
        for intent in candidates {
            if let other = intent.effect, !explain(other, at: place, &seen) { continue }
            intent.effect = number
            return true
        }
        return false
    }

    /// Whether what one of these requests wanted has come about since then, by whomever.
    func hasComeAbout(_ requests: [Intent], since begun: UInt64) -> Bool {
        requests.contains { intent in
            (changes[intent.place] ?? []).contains { $0.time >= begun && intent.wants($0.meaning, after: $0.before) }
        }
    }

    /// Whether it was one of these requests, and nobody else's, that made the latest change of `place`.
    func haveActedLast(_ requests: [Intent], at place: Place) -> Bool {
        guard let last = changes[place]?.last else { return false }
        func explains(_ intent: Intent) -> Bool {
            intent.explains(last.meaning, after: last.before, at: last.time)
        }
        return requests.contains(where: explains)
            && !(intents[place] ?? []).contains { other in explains(other) && !requests.contains { $0 === other } }
    }

    func observed(_ place: Place, _ meaning: Meaning?, from invoked: UInt64, to returned: UInt64) {
        observations.append(Observation(place: place, meaning: meaning, invoked: invoked, returned: returned))
    }

    /// Everything that clients were told and that is not what happened.
    func contradictions() -> [String] {
        var found: [String] = []
        for (place, intents) in intents {
            // Anew, those first whose clients were told: of the others any may have done nothing.
            for intent in intents { intent.effect = nil }
            for intent in intents where isOwed(intent) {
                var seen: Set<Int> = []
                if !findEffect(of: intent, at: place, &seen) { found.append("acknowledged and never done: \(intent)") }
            }
            found += unexplained(at: place)
        }
        for seen in observations where !wasTrue(seen.place, seen.meaning, from: seen.invoked, to: seen.returned) {
            found.append(
                "between \(seen.invoked / 1_000_000) and \(seen.returned / 1_000_000) ms a client saw \(seen.place) as "
                    + "\(Self.text(seen.meaning)), which it never was then")
        }
        return found.sorted()
    }

    /// Changes for which there was a reason when they were made, until it turned out that who wanted them was refused.
    private func unexplained(at place: Place) -> [String] {
        let explained = Set((intents[place] ?? []).compactMap(\.effect))
        return (changes[place] ?? []).enumerated().compactMap { number, change in
            var seen: Set<Int> = []
            if explained.contains(number) || explain(number, at: place, &seen) { return nil }
            return "\(place) changed from \(Self.text(change.before)) to \(Self.text(change.meaning)) at "
                + "\(change.time / 1_000_000) ms, and who wanted that was refused"
        }
    }

    /// Whether the client was told of a success that takes a change. A mkdir of a directory that is there is told of
    /// that one, and who asks once more for the name of a new file that the file has it.
    private func isOwed(_ intent: Intent) -> Bool {
        guard case .succeeded(let told) = intent.outcome else { return false }
        if intent.namesFile, let file = intent.target {
            let earlier = (changes[intent.place] ?? []).filter { $0.time <= intent.returned }
            return !earlier.contains { $0.meaning?.target == file }
        }
        guard case .makeDirectory(isExclusive: false) = intent.change, let told else { return true }
        return !wasTrue(intent.place, told, from: intent.invoked, to: intent.returned)
    }

    /// Finds a change for a request: one that no other was given, or one whose request has another.
    private func findEffect(of intent: Intent, at place: Place, _ seen: inout Set<Int>) -> Bool {
        for (number, change) in (changes[place] ?? []).enumerated()
        where intent.explains(change.meaning, after: change.before, at: change.time) && seen.insert(number).inserted {
            if let holder = intents[place]?.first(where: { $0.effect == number }),
                !findEffect(of: holder, at: place, &seen)
            {
                continue
            }
            intent.effect = number
            return true
        }
        return false
    }

    private func wasTrue(_ place: Place, _ meaning: Meaning?, from start: UInt64, to end: UInt64) -> Bool {
        let changes = changes[place] ?? []
        let before = changes.last { $0.time <= start }?.meaning
        return before == meaning || changes.contains { $0.time > start && $0.time <= end && $0.meaning == meaning }
    }

    private static func text(_ meaning: Meaning?) -> String { meaning.map(\.description) ?? "nothing" }
}
