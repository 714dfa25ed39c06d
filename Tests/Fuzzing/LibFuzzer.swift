import Glibc

/// Where libFuzzer comes in. `FUZZ_TARGET` names the target.
@c(LLVMFuzzerTestOneInput)
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    namedTarget.run(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}

private let namedTarget: FuzzTarget = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else { fatalError("FUZZ_TARGET is '\(name)', which is no target") }
    return target
}()
