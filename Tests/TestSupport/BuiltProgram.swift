import Glibc

/// Where a program of this package was built: beside the test bundle that is running.
///
/// - Throws: `POSIXFailure` when it was not.
package func builtProgram(_ name: String) throws -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let own = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    for bundle in CommandLine.arguments.filter({ $0.hasSuffix(".xctest") }) + [own] {
        guard let slash = bundle.lastIndex(of: "/") else { continue }
        let path = bundle[..<slash] + "/" + name
        if access(String(path), X_OK) == 0 { return String(path) }
    }
    errno = ENOENT
    throw POSIXFailure("find the program \(name) beside the tests")
}
