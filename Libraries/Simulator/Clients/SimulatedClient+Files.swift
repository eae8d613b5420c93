import Client
import Protocol

/// Files: written, continued, copied, read.
extension SimulatedClient {
    /// Sizes of what is written at once: kept by the shard, in a block or two, in several spans.
    private static let sizes = [1, 20, 255, 256, 4096, 5000, 8192, 16_384, 20_000]

    func create(_ place: Place) async throws(ClientError) {
        try await perform("create") { (operation) throws(ClientError) in
            let writer = try await client.createFile(in: place.directory, note: Array("create".utf8))
            try await fill(writer, FileContents(), publishAt: place, operation)
        }
    }

    /// The same without a pause, of a few bytes.
    func createSmall(_ place: Place) async throws(ClientError) {
        try await perform("quick create") { (operation) throws(ClientError) in
            let writer = try await client.createFile(in: place.directory, note: Array("quick".utf8))
            let bytes = anyBytes(20)
            witness.contents[place] = FileContents(bytes)
            do throws(ClientError) {
                try await writer.write(bytes, at: 0)
                _ = try await writer.finish(Publication(directory: place.directory, name: place.name))
                judgeNaming(of: place, by: operation, writer.id)
            } catch {
                judgeRefusedNaming(of: place, by: operation, error)
                await writer.abandon()
                throw error
            }
        }
    }

    /// Begins with what a file has and goes on, as an editor of its next version.
    func continueFile(_ source: InodeID, at place: Place) async throws(ClientError) {
        guard let contents = cluster.contents[source] else { return }
        try await perform("continuation") { (operation) throws(ClientError) in
            let writer = try await client.continueFile(
                source, size: UInt64(contents.bytes.count), in: place.directory, note: Array("continue".utf8))
            try await fill(writer, contents, publishAt: place, operation)
        }
    }

    /// Makes a file that begins with pages of another one, referred to if that can be.
    func copy(_ source: InodeID, to place: Place) async throws(ClientError) {
        guard let contents = cluster.contents[source] else { return }
        let pages = contents.bytes.count / ClientLimits.pageBytes
        guard pages > 0 else { return }
        let first = Int.random(in: 0..<pages, using: &world.random)
        let last = Int.random(in: first + 1...pages, using: &world.random)
        let range = first * ClientLimits.pageBytes..<last * ClientLimits.pageBytes
        try await perform("copy") { (operation) throws(ClientError) in
            let writer = try await client.createFile(in: place.directory, note: Array("copy".utf8))
            let wanted = UInt64(range.lowerBound)..<UInt64(range.upperBound)
            let policies = writer.policies
            let suitable = try await client.referable(wanted, of: source, for: policies)
            var copied: [UInt8] = []
            if let suitable, try await writer.append(referringTo: source, suitable) {
                copied = Array(contents.bytes[Int(suitable.lowerBound)..<Int(suitable.upperBound)])
            }
            try await fill(writer, FileContents(copied), publishAt: place, operation)
        }
    }

    /// Makes a file that refers to another one from a span of it on, perhaps to a page in the middle of its last one.
    func refer(to source: InodeID, at place: Place) async throws(ClientError) {
        guard await client.supports(.sharedSpans), let bytes = cluster.contents[source]?.bytes else { return }
        let spans = try await client.storedSpans(of: source).spans
        guard !spans.isEmpty else { return }
        let first = Int.random(in: 0..<spans.count, using: &world.random)
        let last = spans[Int.random(in: first..<spans.count, using: &world.random)]
        var end = last.byteOffset + UInt64(last.size)
        let pages = (UInt64(last.size) - 1) / UInt64(ClientLimits.pageBytes)
        if pages > 0, world.random.perMille(500) {
            end = last.byteOffset + UInt64.random(in: 1...pages, using: &world.random) * UInt64(ClientLimits.pageBytes)
        }
        let range = spans[first].byteOffset..<min(end, UInt64(bytes.count))
        try await perform("reference") { (operation) throws(ClientError) in
            let file = try await client.construct(in: source.shard, note: Array("refer".utf8))
            let size = try await client.refer(file, at: 0, to: source, range)
            guard size == range.count else { return world.find("a reference to \(range) has \(size) bytes") }
            witness.contents[place] = FileContents(Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
            _ = try await client.publish(file, Publication(directory: place.directory, name: place.name))
            judgeNaming(of: place, by: operation, file.id)
        }
    }

    /// What is read must be what was written.
    func read(_ file: InodeID) async throws(ClientError) {
        guard let bytes = cluster.contents[file]?.bytes else { return }
        let reader = try await client.open(file)
        let start = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &world.random)
        let count = world.random.pick([1, 100, 4096, 50_000])
        let found = try await reader.read(at: UInt64(start), count: count).bytes
        if found != Array(bytes[start..<min(start + count, bytes.count)]) {
            world.find("client \(number) read \(found.count) bytes of \(file) at \(start) that nobody wrote there")
        }
    }

    // MARK: Writing

    /// Writes more into a file and gives it its name; what fails is given up.
    private func fill(
        _ writer: FileWriter, _ begun: FileContents, publishAt place: Place, _ operation: Operation
    ) async throws(ClientError) {
        do throws(ClientError) {
            let contents = try await writeMore(into: writer, begun)
            await beLate()
            let (publication, present) = try await anyPublication(at: place)
            witness.contents[place] = contents
            await hesitate()
            let version = try await writer.finish(publication)
            judgeNaming(of: place, by: operation, writer.id)
            check(version, publication, over: present)
            lastNumber = version.number
        } catch {
            judgeRefusedNaming(of: place, by: operation, error)
            await writer.abandon()
            throw error
        }
    }

    private func writeMore(
        into writer: FileWriter, _ begun: FileContents
    ) async throws(ClientError) -> FileContents {
        var bytes = begun.bytes
        for _ in 0..<world.random.pick([0, 1, 1, 2, 3]) {
            let part = anyBytes(world.random.pick(Self.sizes))
            let place = world.random.perMille(850) || bytes.isEmpty
                ? bytes.count : Int.random(in: 0..<bytes.count, using: &world.random)
            try await writer.write(part, at: UInt64(place))
            bytes.replaceSubrange(place..<min(place + part.count, bytes.count), with: part)
            if world.random.perMille(60) { try await writer.synchronize() }
            await hesitate()
        }
        if !bytes.isEmpty, world.random.perMille(80) {
            bytes.removeLast(Int.random(in: 1...bytes.count, using: &world.random))
            try await writer.truncate(to: UInt64(bytes.count))
        }
        return FileContents(bytes)
    }

    private func anyBytes(_ count: Int) -> [UInt8] {
        if world.random.perMille(200) { return [UInt8](repeating: 0, count: count) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        while bytes.count < count { withUnsafeBytes(of: world.random.next()) { bytes += $0 } }
        return Array(bytes.prefix(count))
    }

    /// Now and then until the file would have expired if nobody renewed it, while others collect.
    private func beLate() async {
        let lifetime = cluster.options.transientLifetime
        guard lifetime <= 300_000_000_000, world.random.perMille(15) else { return }
        await world.sleep(lifetime + world.random.spread(1_000_000_000...120_000_000_000))
    }

    // MARK: Publishing

    /// Whatever has the name, if nothing has it, or as the next version of what has it. With the version that is to be
    /// replaced, if that is known.
    private func anyPublication(
        at place: Place
    ) async throws(ClientError) -> (Publication, over: FileVersion?) {
        var publication = Publication(directory: place.directory, name: place.name)
        if world.random.perMille(500) {
            publication.inherits = world.random.perMille(600)
            publication.keepsPrivileges = world.random.perMille(500)
            publication.otherwise = Ownership(mode: 0o600, uid: 9, gid: 9)
            publication.change = anyChange()
        }
        guard world.random.perMille(500) else { return (publication, nil) }
        let present = try await client.target(of: place.name, in: place.directory)
        guard !present.isNull else {
            if world.random.perMille(850) { publication.condition = .nothing }
            return (publication, nil)
        }
        guard present.isFile else { return (publication, nil) }
        let version = try await client.version(of: present)
        // Now and then a file that it is no version of, which only the shard of both can know.
        let isMistaken = !lastNumber.isNull && world.random.perMille(100)
        publication.number = isMistaken ? lastNumber : version.number
        publication.supersedes = world.random.perMille(600)
        if world.random.perMille(850) { publication.condition = .version(present) }
        return (publication, isMistaken || publication.condition != .version(present) ? nil : version)
    }

    /// Only what its condition held is known to have been replaced, and what came back may have another number.
    private func check(_ version: PublishedVersion, _ publication: Publication, over present: FileVersion?) {
        guard let present, client.assumeIsolated({ $0.numbersFiles }), version.number != present.number,
            cluster.watch.numbers[present.attributes.id] ?? present.number == present.number
        else { return }
        world.find("\(publication.name) was published with the number \(version.number), not \(present.number)")
    }
}
