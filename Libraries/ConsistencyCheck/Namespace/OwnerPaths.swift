import Protocol

/// The owners of all live directories, packed: X5.
struct OwnerPaths {
    private enum State: UInt8 {
        case unknown, onPath, done
    }

    private var ids: [InodeID] = []
    private var owners: [InodeID] = []

    /// In ascending order.
    mutating func append(_ directory: InodeID, owner: InodeID) {
        ids.append(directory)
        owners.append(owner)
    }

    /// Reports where a path to the root breaks off, and one directory of each circle: not what lies below.
    func check(_ report: (InodeID, String) -> Void) {
        var states = [State](repeating: .unknown, count: ids.count)
        var path: [Int] = []
        for start in ids.indices where states[start] == .unknown {
            var position = start
            while states[position] == .unknown {
                states[position] = .onPath
                path.append(position)
                guard owners[position] != .root else { break }
                guard let next = index(of: owners[position]) else {
                    report(ids[position], "its owner \(owners[position]) is not a live directory")
                    break
                }
                if states[next] == .onPath { report(ids[next], "is below itself: its owners lead back to it") }
                position = next
            }
            for position in path { states[position] = .done }
            path.removeAll(keepingCapacity: true)
        }
    }

    private func index(of directory: InodeID) -> Int? {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < directory { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == directory ? low : nil
    }
}
