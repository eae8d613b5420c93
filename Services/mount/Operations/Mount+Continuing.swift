import Client
import Glibc
import Protocol

// A finished file is continued by a new file that begins with the old contents. Meanwhile somebody else, on another
// host too, may have done the same: then what was appended here goes behind what was appended there.

/// How a new file begins that is to take the place of a finished one.
struct Beginning {
    /// Bytes of the old one that it begins with.
    var keeping: UInt64 = 0
    /// What is added belongs at the end, whatever the name leads to by then.
    var appends = false
    var isDirect = false
    /// For a file that is open: the name that it had then, should it have none any more.
    var formerPlace: Place?
}

extension Mount {
    /// More attempts than anybody else's appends can explain: each is tried again only when another one succeeded.
    private static let attemptLimit = 1000

    /// Gives a continuation its name, if that leads to what was continued.
    func linkContinuation(_ construction: Construction) async throws(Errno) -> Timestamp {
        for _ in 0..<Self.attemptLimit {
            guard let base = construction.base else { break }
            let (writer, place) = (construction.writer, construction.place)
            do throws(ClientError) {
                return try await writer.finish(linkingIn: place.directory, name: place.name, ifUnchanged: base.id)
            } catch {
                guard error.isRefusal(.mismatchingTarget) else { throw Errno(error) }
                // Where bytes belong that were not appended only who wrote them knows.
                guard construction.appendsOnly else { throw .stale }
            }
            try await rebaseOutlastingOutages(construction, from: base)
        }
        throw .stale
    }

    /// As `rebase`, however long shards are away: what was appended is not given up because they are.
    private func rebaseOutlastingOutages(_ construction: Construction, from old: Base) async throws(Errno) {
        while true {
            do throws(Errno) {
                return try await rebase(construction, from: old)
            } catch {
                guard error.mayComeBack else { throw error }
                await loop.sleep(nanoseconds: 1_000_000_000)
            }
        }
    }

    /// Begins once more with what the name leads to now, and adds what was appended here. If nothing has the name any
    /// more, what was appended becomes the file.
    private func rebase(_ construction: Construction, from old: Base) async throws(Errno) {
        let (finished, place) = (construction.writer, construction.place)
        let base = try await base(at: place)
        let fresh = try await posix { () throws(ClientError) in
            try await client.createFile(in: place.directory, note: place.name)
        }
        try await copy(base.id, 0..<base.size, to: fresh, at: 0)
        try await copy(finished.id, old.size..<construction.size, to: fresh, at: base.size)
        construction.writer = fresh
        construction.base = base
        construction.wasRebased = true
        loop.task { await finished.abandon() }
    }

    /// What a name leads to, as something to be continued.
    private func base(at place: Place) async throws(Errno) -> Base {
        let target = try await posix { () throws(ClientError) in
            try await client.target(of: place.name, in: place.directory)
        }
        guard target != .null else { return .nothing }
        guard target.isFile else { throw .isDirectory }
        let size = try await posix { () throws(ClientError) in try await client.attributes(of: target) }.size
        guard size <= Self.continuableBytes else { throw .sealed }
        return Base(id: target, size: size)
    }

    /// Writes a part of a file, which may be unfinished but is stored, to one that is being written; gives that up when
    /// it cannot.
    func copy(
        _ source: InodeID, _ range: Range<UInt64>, to writer: FileWriter, at target: UInt64
    ) async throws(Errno) {
        let reader = FileReader(client: client, id: source, size: range.upperBound)
        do throws(ClientError) {
            var done = range.lowerBound
            while done < range.upperBound {
                let count = Int(min(range.upperBound - done, 1 << 20))
                let bytes = try await reader.read(at: done, count: count).bytes
                guard !bytes.isEmpty else { throw ClientError(.malformedAnswer, "copying of a file", "it is shorter") }
                try await writer.write(bytes, at: target + (done - range.lowerBound))
                done += UInt64(bytes.count)
            }
        } catch {
            await writer.abandon()
            throw Errno(error)
        }
    }
}
