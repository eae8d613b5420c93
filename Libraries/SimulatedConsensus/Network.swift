/// Which ways are open, and how slow they are.
struct Network {
    /// By sender and receiver: until when nothing gets through.
    private var cutUntil = [UInt64](repeating: 0, count: 25)
    private var slowUntil = [UInt64](repeating: 0, count: 25)

    mutating func cut(from: Int, to: Int, until time: UInt64) { cutUntil[from * 5 + to] = time }
    mutating func slow(from: Int, to: Int, until time: UInt64) { slowUntil[from * 5 + to] = time }

    func isCut(from: Int, to: Int, at now: UInt64) -> Bool { now < cutUntil[from * 5 + to] }
    func isSlow(from: Int, to: Int, at now: UInt64) -> Bool { now < slowUntil[from * 5 + to] }

    mutating func heal() { self = Network() }
}
