import CISAL

/// A coding matrix made ready to be applied to blocks: outputs[i] = sum over j of matrix[i][j] · inputs[j].
final class CodingKernel: Sendable {
    private let rows: Int
    private let columns: Int
    /// One 32-byte nibble table per element, row-major; written once here.
    private let tables: [UInt8]

    /// ISA-L's vector kernels pass shorter blocks to a portable routine with another field built in.
    static let shortestForISAL = 64

    init(_ matrix: CodingMatrix) {
        rows = matrix.rows
        columns = matrix.columns
        tables = [UInt8](unsafeUninitializedCapacity: matrix.elements.count * GaloisField.tableSize) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            for (index, element) in matrix.elements.enumerated() {
                GaloisField.fillTable(base + index * GaloisField.tableSize, coefficient: element)
            }
            count = matrix.elements.count * GaloisField.tableSize
        }
    }

    /// Applies the matrix to `length` bytes of each input. Outputs must not overlap inputs.
    func apply(inputs: [UnsafeRawPointer], outputs: [UnsafeMutableRawPointer], length: Int) {
        precondition(inputs.count == columns && outputs.count == rows && length >= 0)
        guard rows > 0, length > 0 else { return }
        if length >= Self.shortestForISAL, Self.isISALRight {
            applyISAL(inputs, outputs, length)
        } else {
            applyScalar(inputs, outputs, length)
        }
    }

    private func applyISAL(_ inputs: [UnsafeRawPointer], _ outputs: [UnsafeMutableRawPointer], _ length: Int) {
        typealias CBytes = UnsafeMutablePointer<UInt8>
        withUnsafeTemporaryAllocation(of: CBytes?.self, capacity: columns + rows) { pointers in
            guard let base = pointers.baseAddress else { return }
            for (index, input) in inputs.enumerated() {
                let mutable = UnsafeMutableRawPointer(mutating: input)  // declared so in C, only read
                (base + index).initialize(to: mutable.assumingMemoryBound(to: UInt8.self))
            }
            for (index, output) in outputs.enumerated() {
                (base + columns + index).initialize(to: output.assumingMemoryBound(to: UInt8.self))
            }
            tables.withUnsafeBufferPointer { tables in
                let cTables = CBytes(mutating: tables.baseAddress)
                var done = 0
                while done < length {
                    // The length is an int in C. Never leave a rest that is too short for the vector kernels.
                    var portion = min(length - done, 1 << 30)
                    if length - done - portion > 0, length - done - portion < Self.shortestForISAL {
                        portion -= Self.shortestForISAL
                    }
                    ec_encode_data(Int32(portion), Int32(columns), Int32(rows), cTables, base, base + columns)
                    for index in 0..<columns + rows { pointers[index]? += portion }
                    done += portion
                }
            }
        }
    }

    private func applyScalar(_ inputs: [UnsafeRawPointer], _ outputs: [UnsafeMutableRawPointer], _ length: Int) {
        tables.withUnsafeBufferPointer { tables in
            guard var table = tables.baseAddress else { return }
            for output in outputs {
                let target = output.assumingMemoryBound(to: UInt8.self)
                target.update(repeating: 0, count: length)
                for input in inputs {
                    let source = input.assumingMemoryBound(to: UInt8.self)
                    for index in 0..<length {
                        let byte = source[index]
                        target[index] ^= table[Int(byte & 15)] ^ table[16 + Int(byte >> 4)]
                    }
                    table += GaloisField.tableSize
                }
            }
        }
    }

    /// Whether the installed ISA-L multiplies by the tables it is given, tried once per process with every count of
    /// rows that has its own kernel and lengths around the vector sizes.
    static let isISALRight: Bool = {
        var generator: UInt64 = 0x9E37_79B9_7F4A_7C15
        func randomByte() -> UInt8 {
            generator = generator &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: generator >> 56)
        }
        let length = 64 + 31
        for (columns, rows) in [(1, 1), (3, 2), (10, 3), (10, 4), (15, 5), (4, 6), (7, 15)] {
            var matrix = CodingMatrix(rows: rows, columns: columns)
            for row in 0..<rows {
                for column in 0..<columns { matrix[row, column] = randomByte() }
            }
            let kernel = CodingKernel(matrix)
            let input = (0..<columns * length).map { _ in randomByte() }
            for used in [64, length] {
                let expected = kernel.flatProduct(input, used, with: kernel.applyScalar)
                guard kernel.flatProduct(input, used, with: kernel.applyISAL) == expected else { return false }
            }
        }
        return true
    }()

    private func flatProduct(
        _ input: [UInt8], _ length: Int,
        with apply: ([UnsafeRawPointer], [UnsafeMutableRawPointer], Int) -> Void
    ) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: rows * length)
        input.withUnsafeBytes { input in
            output.withUnsafeMutableBytes { output in
                guard let source = input.baseAddress, let target = output.baseAddress else { return }
                apply(
                    (0..<columns).map { source + $0 * length }, (0..<rows).map { target + $0 * length }, length)
            }
        }
        return output
    }
}
