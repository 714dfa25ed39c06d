import CShims
import Glibc

/// The calls that led to a place in the program, innermost first. See backtrace(3).
package struct CallStack: Hashable, Sendable {
    /// Return addresses.
    package let addresses: [UInt]

    /// No more calls than this are looked at.
    private static let depthMax = 48
    /// No more calls than this are kept.
    private static let keptMax = 12

    /// The calls that led here, from the first one that was made outside of the image (program or library) that this code
    /// belongs to; all of them when it belongs to the program itself.
    package static func captureCallers() -> CallStack {
        var frames = unsafe [UnsafeMutableRawPointer?](repeating: nil, count: Self.depthMax)
        let count = unsafe Int(backtrace(&frames, CInt(Self.depthMax)))
        let addresses = unsafe frames.prefix(count).map { UInt(bitPattern: $0) }
        guard let own = addresses.first.flatMap({ CodeLocation(of: $0)?.imageBase }) else {
            return CallStack(addresses: Array(addresses.prefix(Self.keptMax)))
        }
        let outside = addresses.drop { CodeLocation(of: $0)?.imageBase == own }
        let kept = outside.isEmpty || own == CodeLocation.programBase ? addresses[...] : outside
        return CallStack(addresses: Array(kept.prefix(Self.keptMax)))
    }

    /// One line for each call.
    package var lines: [String] {
        self.addresses.enumerated().map { index, address in
            // A return address may lie behind the end of the function that called.
            "#\(index) \(CodeLocation(of: address &- 1)?.description ?? "0x" + String(address, radix: 16))"
        }
    }
}
