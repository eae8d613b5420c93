import Glibc

extension ProcessTable {
    /// What these signals do by default is not to end a process: `CHLD CONT URG WINCH STOP TSTP TTIN TTOU`.
    private static let harmless = mask([SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU])

    /// Whether a signal is on its way to a thread that will end its process. Safe to ask at any time.
    package func isBeingKilled(_ thread: Int32) -> Bool {
        guard let text = read("\(thread)/status") else { return false }
        var (pending, survived) = (UInt64(0), Self.harmless)
        for line in text.split(separator: UInt8(ascii: "\n")) {
            for label in ["SigPnd:", "ShdPnd:"] { pending |= Self.signals(of: label, in: line) }
            for label in ["SigBlk:", "SigIgn:", "SigCgt:"] { survived |= Self.signals(of: label, in: line) }
        }
        // Nobody survives that one, whatever masks say.
        return pending & (~survived | Self.mask([SIGKILL])) != 0
    }

    private static func mask(_ signals: [Int32]) -> UInt64 {
        signals.reduce(0) { $0 | 1 << UInt64($1 - 1) }
    }

    private static func signals(of label: String, in line: ArraySlice<UInt8>) -> UInt64 {
        value(of: label, in: line).flatMap { UInt64($0, radix: 16) } ?? 0
    }
}
