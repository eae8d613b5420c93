import Glibc

extension TemporaryDirectory {
    /// Sixty-four digits: a cluster's key.
    package static let keyDigits = String(repeating: "0123456789abcdef", count: 4)

    /// Writes a key into a file of this mode, and gives the options that name it to a program.
    package func clusterKey(_ digits: String = keyDigits, mode: mode_t = 0o600) throws -> [String] {
        let file = path + "/key"
        unlink(file)
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw POSIXFailure("create \(file)") }
        defer { close(descriptor) }
        guard write(descriptor, digits, digits.utf8.count) == digits.utf8.count, fchmod(descriptor, mode) == 0
        else { throw POSIXFailure("write \(file)") }
        return ["--key-file", file]
    }
}
