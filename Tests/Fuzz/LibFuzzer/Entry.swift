import DecoderFuzzing
import Glibc

/// The target to feed, named by the environment variable STERNA_FUZZ_TARGET.
private let target: FuzzTarget = {
    let name = getenv("STERNA_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else { fatalError("STERNA_FUZZ_TARGET: unknown target '\(name)'") }
    return target
}()

/// What libFuzzer calls for every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    if let problem = target.feed(UnsafeRawBufferPointer(start: bytes, count: count)) { fatalError(problem) }
    return 0
}
