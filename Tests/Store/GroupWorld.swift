import Store
import TestSupport
import Testing

/// Groups that share a store, beside what each should be, and everything that can be under way in them: random steps.
struct GroupWorld {
    private struct Building {
        let replacement: StateReplacement
        /// All pairs of the state to be, and those of them that still have to be put.
        let pairs: [StatePair]
        var rest: ArraySlice<StatePair>
    }

    private struct OpenView {
        let view: StateView
        let pairs: [StatePair]
        /// How many of the pairs are behind it.
        var shown = 0
    }

    let base: any OrderedStore
    private(set) var models: [GroupModel]
    private var stores: [GroupStore] = []
    private var building: [Building?]
    private var views: [OpenView] = []

    init(_ base: any OrderedStore, _ prefixes: [[UInt8]]) throws {
        self.base = base
        models = prefixes.map { GroupModel($0) }
        building = models.map { _ in nil }
        try reopen(models)
    }

    /// As after a restart, with whatever state there should be.
    mutating func reopen(_ models: [GroupModel]) throws {
        self.models = models
        building = models.map { _ in nil }
        views = []
        stores = try models.map { try GroupStore(over: base, prefix: $0.prefix) }
    }

    /// Writes one batch at most.
    mutating func step(_ random: inout SeededGenerator) throws {
        let group = Int.random(in: 0..<models.count, using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<6:
            let batch = models[group].randomBatch(&random)
            try stores[group].write(batch, durable: false)
            models[group].carryOut(batch)
        case 6..<8:
            let pairs = models[group].randomPairs(&random)
            building[group] = Building(replacement: try stores[group].beginReplacing(), pairs: pairs, rest: pairs[...])
        case 8..<13: try build(group, &random)
        case 13: building[group] = nil
        case 14..<16: _ = try stores[group].removeOutdated(limit: Int.random(in: 1..<6, using: &random))
        case 16: views.append(OpenView(view: try stores[group].view(), pairs: models[group].statePairs))
        default: try readView(&random)
        }
    }

    private mutating func build(_ group: Int, _ random: inout SeededGenerator) throws {
        guard var current = building[group] else { return }
        guard !current.rest.isEmpty else {
            try current.replacement.finish()
            models[group].replace(by: current.pairs)
            building[group] = nil
            return
        }
        let part = current.rest.prefix(Int.random(in: 1..<12, using: &random))
        try current.replacement.put([StatePair](part))
        #expect(current.replacement.lastKey == part.last?.key)
        current.rest = current.rest.dropFirst(part.count)
        building[group] = current
    }

    private mutating func readView(_ random: inout SeededGenerator) throws {
        guard let index = views.indices.randomElement(using: &random) else { return }
        let (view, pairs) = (views[index].view, views[index].pairs)
        if random.oneIn(4) {
            let key = models[0].randomRest(&random)
            view.move(after: key)
            views[index].shown = pairs.count { KeyOrder.compare($0.key, key) <= 0 }
        }
        let part = try view.next(byteCount: random.pick([0, 1, 20, 100])) ?? []
        #expect(part == [StatePair](pairs.dropFirst(views[index].shown).prefix(part.count)))
        #expect(!part.isEmpty || views[index].shown == pairs.count)
        views[index].shown += part.count
        if part.isEmpty { views.remove(at: index) }
    }

    /// Everything that can be read is what it should be.
    func compare(_ random: inout SeededGenerator) throws {
        for (model, store) in zip(models, stores) {
            #expect(try store.contents() == model.statePairs)
            let key = model.randomKey(&random)
            #expect(try store.get(key) == model.pairs[key])
            #expect(try store.contains(key) == (model.pairs[key] != nil))
            try compareIterators(store, try model.store(), &random, at: model.randomPlace)
        }
    }

    /// Whatever is not current goes away, and nothing else: at most one record for each group is left beside the states.
    mutating func clean() throws {
        building = models.map { _ in nil }
        for store in stores {
            while try store.removeOutdated(limit: 7) {}
            #expect(try !store.removeOutdated(limit: 7))
        }
        let count = entries(base.iterator(from: [], upTo: nil)).count
        let pairs = models.reduce(0) { $0 + $1.pairs.count }
        #expect((pairs...(pairs + models.count)).contains(count))
    }
}
