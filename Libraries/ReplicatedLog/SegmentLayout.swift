/// Where records go in a segment: each in two places, under one sync.
///
/// The newest record is the one that nothing behind it vouches for: if it lay in one place only, damage there could not
/// be told from a write that a power failure cut short. The copy lies a page behind, or right behind a record of several
/// pages, so that one damaged page does not hide both and the disk gets one contiguous write.
struct SegmentLayout {
    static let page = 4096

    let fileBytes: Int

    /// Where a record and its copy go, and where the next record may.
    struct Place {
        let offset: Int
        let copyOffset: Int
        let end: Int
    }

    /// The places of a record behind everything before `end`.
    ///
    /// Small records share a page, and their copies the one behind it.
    static func place(_ storedSize: Int, at end: Int) -> Place {
        let inPage = end % page
        if inPage + storedSize <= page {
            let next = end + storedSize
            // A full page is followed by the page of its copies.
            return Place(offset: end, copyOffset: end + page, end: next % page == 0 ? next + page : next)
        }
        guard inPage == 0 else { return place(storedSize, at: end - inPage + 2 * page) }
        let pages = distance(ofCopies: storedSize)
        return Place(offset: end, copyOffset: end + pages, end: end + 2 * pages)
    }

    /// How far apart the places of a record are.
    static func distance(ofCopies storedSize: Int) -> Int { (storedSize + page - 1) / page * page }

    /// Whether there is room for such a record at `end`, and for an empty one behind it, which letting go of trimmed
    /// segments needs.
    func hasRoom(forRecord storedSize: Int, at end: Int) -> Bool {
        Self.place(storedSize, at: end).end + 2 * Self.page <= fileBytes
    }

    /// The largest payload that fits an empty segment, behind the largest summary.
    var largestPayload: Int { largestPayload(in: fileBytes - summaryBytes - 2 * Self.page) }
    /// The largest payload of a summary.
    var largestSummary: Int { largestPayload(in: summaryBytes) }

    private var summaryBytes: Int { fileBytes / 4 }

    private func largestPayload(in byteCount: Int) -> Int {
        byteCount / (2 * Self.page) * Self.page - LogFormat.chained.headerSize
    }
}

/// Names of a log's files.
enum SegmentName {
    /// Ends the name of a file that is being made; one that a crash left is removed.
    static let unfinished = ".new"

    static func name(_ number: Int) -> String { "segment-\(number)" }

    static func number(_ name: String) -> Int? {
        name.hasPrefix("segment-") ? Int(name.dropFirst("segment-".count)).flatMap { $0 > 0 ? $0 : nil } : nil
    }
}
