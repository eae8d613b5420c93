/// A matrix over the field, row-major.
package struct CodingMatrix: Equatable, Sendable {
    /// Number of rows and columns.
    package let rows: Int, columns: Int
    private(set) var elements: [UInt8]

    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        elements = [UInt8](repeating: 0, count: rows * columns)
    }

    package subscript(row: Int, column: Int) -> UInt8 {
        get { elements[row * columns + column] }
        set { elements[row * columns + column] = newValue }
    }

    /// One row as bytes.
    package func row(_ index: Int) -> [UInt8] { Array(elements[index * columns..<(index + 1) * columns]) }

    /// The parity rows: a Cauchy matrix scaled so that its first row and first column are all ones (section 14).
    package static func parity(data: Int, parity: Int) -> CodingMatrix {
        typealias Field = GaloisField
        func cauchy(_ row: Int, _ column: Int) -> UInt8 { Field.inverse(UInt8((data + row) ^ column)) }
        var matrix = CodingMatrix(rows: parity, columns: data)
        for row in 0..<parity {
            for column in 0..<data {
                let numerator = Field.product(cauchy(row, column), cauchy(0, 0))
                let denominator = Field.product(cauchy(row, 0), cauchy(0, column))
                matrix[row, column] = Field.product(numerator, Field.inverse(denominator))
            }
        }
        return matrix
    }

    /// The rows that make the blocks `wanted` out of the `columns` blocks `present`. Block b < columns is data, others
    /// are rows of `self`, the parity matrix. Any `columns` distinct blocks determine the others.
    func recovery(of wanted: [Int], from present: [Int]) -> CodingMatrix {
        precondition(present.count == columns)
        let inverse = select(present).inverted()
        let wantedRows = select(wanted)
        var result = CodingMatrix(rows: wanted.count, columns: columns)
        for row in 0..<wanted.count {
            for column in 0..<columns {
                for inner in 0..<columns {
                    result[row, column] ^= GaloisField.product(wantedRows[row, inner], inverse[inner, column])
                }
            }
        }
        return result
    }

    /// The rows of the systematic generator (identity above `self`) that belong to the given blocks.
    private func select(_ blocks: [Int]) -> CodingMatrix {
        var result = CodingMatrix(rows: blocks.count, columns: columns)
        for (row, block) in blocks.enumerated() {
            for column in 0..<columns {
                let unit: UInt8 = block == column ? 1 : 0
                result[row, column] = block < columns ? unit : self[block - columns, column]
            }
        }
        return result
    }

    /// The inverse of a square matrix by Gauss–Jordan elimination.
    private func inverted() -> CodingMatrix {
        var left = self
        var right = CodingMatrix(rows: rows, columns: rows)
        for index in 0..<rows { right[index, index] = 1 }
        for pivot in 0..<rows {
            guard let source = (pivot..<rows).first(where: { left[$0, pivot] != 0 }) else {
                preconditionFailure("rows of a Cauchy code are independent")
            }
            left.swapRows(pivot, source)
            right.swapRows(pivot, source)
            let factor = GaloisField.inverse(left[pivot, pivot])
            left.scaleRow(pivot, by: factor)
            right.scaleRow(pivot, by: factor)
            for row in 0..<rows where row != pivot {
                let multiple = left[row, pivot]
                left.addRow(pivot, times: multiple, to: row)
                right.addRow(pivot, times: multiple, to: row)
            }
        }
        return right
    }

    private mutating func swapRows(_ first: Int, _ second: Int) {
        guard first != second else { return }
        for column in 0..<columns {
            elements.swapAt(first * columns + column, second * columns + column)
        }
    }

    private mutating func scaleRow(_ row: Int, by factor: UInt8) {
        for column in 0..<columns { self[row, column] = GaloisField.product(self[row, column], factor) }
    }

    private mutating func addRow(_ source: Int, times factor: UInt8, to target: Int) {
        for column in 0..<columns { self[target, column] ^= GaloisField.product(self[source, column], factor) }
    }
}
