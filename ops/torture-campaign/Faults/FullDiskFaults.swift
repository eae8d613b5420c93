import Foundation

/// Fills a small disk up and makes room again.
struct FullDiskFaults {
    private let disk: (any FillableDisk)?
    private let cluster: TortureCluster
    private let ledger: Ledger
    private let counters: Counters
    private var random: SeededRandom
    private var isFull = false
    private var next: Double

    /// - Parameter disk: nil when this machine has no small disks.
    init(disk: (any FillableDisk)?, cluster: TortureCluster, ledger: Ledger, counters: Counters, seed: UInt64) {
        self.disk = disk
        self.cluster = cluster
        self.ledger = ledger
        self.counters = counters
        random = SeededRandom(seed: seed)
        next = monotonicSeconds() + Double.random(in: 5..<15, using: &random)
    }

    /// Does what is due.
    mutating func tick() {
        guard let disk, monotonicSeconds() > next else { return }
        isFull.toggle()
        ledger.note("\(isFull ? "fill" : "free") disk \(disk.disk)")
        if isFull {
            counters.add("disks filled up")
            disk.fill()
        } else {
            disk.free()
        }
        next = monotonicSeconds() + Double.random(in: 5..<40, using: &random)
    }

    func end() { disk?.free() }
}
