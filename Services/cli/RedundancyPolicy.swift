import Protocol

/// How many blocks a span gets: `single`, `mirror:COPIES` or `rs:DATA,PARITY`.
package enum RedundancyPolicy: Equatable, LosslessStringConvertible {
    case single
    /// 2 to 16 identical copies.
    case mirror(copies: Int)
    /// Reed–Solomon: 2 to 15 data and 1 to 15 parity blocks.
    case reedSolomon(data: Int, parity: Int)

    package init?(_ description: String) {
        if description == "single" {
            self = .single
            return
        }
        let parts = description.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let numbers = parts[1].split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        switch (parts[0], numbers.count) {
        case ("mirror", 1):
            guard let copies = numbers[0], (2...16).contains(copies) else { return nil }
            self = .mirror(copies: copies)
        case ("rs", 2):
            guard let data = numbers[0], let parity = numbers[1], (2...15).contains(data), (1...15).contains(parity)
            else { return nil }
            self = .reedSolomon(data: data, parity: parity)
        default:
            return nil
        }
    }

    package var description: String {
        switch self {
        case .single: "single"
        case .mirror(let copies): "mirror:\(copies)"
        case .reedSolomon(let data, let parity): "rs:\(data),\(parity)"
        }
    }

    /// Blocks of one span, each in another failure domain.
    package var blocks: Int {
        switch self {
        case .single: 1
        case .mirror(let copies): copies
        case .reedSolomon(let data, let parity): data + parity
        }
    }

    /// The best that so many failure domains can hold while one of them may be away.
    package static func suited(toFailureDomains domains: Int) -> Self {
        switch domains {
        case 14...: .reedSolomon(data: 10, parity: 4)
        case 6...: .reedSolomon(data: 4, parity: 2)
        case 3...: .mirror(copies: 3)
        case 2: .mirror(copies: 2)
        default: .single
        }
    }
}
