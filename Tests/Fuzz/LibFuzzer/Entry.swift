import DecoderFuzzing
import Glibc
import StateFuzzing

/// The target to feed, named by the environment variable STERNA_FUZZ_TARGET.
private let feed: @Sendable (UnsafeRawBufferPointer) -> String? = {
    let name = getenv("STERNA_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    if let target = FuzzTarget(rawValue: name) { return { target.feed($0) } }
    if let target = StateTarget(rawValue: name) { return { target.feed($0) } }
    fatalError("STERNA_FUZZ_TARGET: unknown target '\(name)'")
}()

/// What libFuzzer calls for every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    if let problem = feed(UnsafeRawBufferPointer(start: bytes, count: count)) { fatalError(problem) }
    return 0
}
