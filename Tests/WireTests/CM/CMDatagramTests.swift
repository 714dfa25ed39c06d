import TestSupport
import Testing

@testable import Wire

@Suite("CM datagram")
struct CMDatagramTests {
    private static let header = "01 07 02 03 0000 0000 0000000566778899 0014 0000 A0B0C0D0"
    private static let golden = [UInt8](hex: header + "01020304 05060708") + [UInt8](pattern: 224)
    private static var goldenDatagram: CM.Datagram {
        var message = CM.RTU(localCommunicationID: 0x0102_0304, remoteCommunicationID: 0x0506_0708)
        message.privateData = FixedBytes([UInt8](pattern: 224))
        return CM.Datagram(transactionID: 0x5_6677_8899, attributeModifier: 0xA0B0_C0D0, message: .rtu(message))
    }

    @Test func `codes the golden bytes`() throws {
        #expect(Self.golden.count == CM.Datagram.byteCount)
        #expect(try CM.Datagram(parsing: Self.golden.span.bytes) == Self.goldenDatagram)
        #expect(Self.goldenDatagram.encoded() == Self.golden)
    }

    @Test func `refuses every other length`() {
        for byteCount in 0..<MADHeader.byteCount {
            Self.expect(.truncated(needed: MADHeader.byteCount, available: byteCount)) { $0 = Array($0[..<byteCount]) }
        }
        for byteCount in MADHeader.byteCount..<256 {
            Self.expect(.truncated(needed: 256, available: byteCount)) { $0 = Array($0[..<byteCount]) }
        }
        Self.expect(.unexpectedPayload(byteCount: 4)) { $0 += [0, 0, 0, 0] }
    }

    @Test func `refuses other versions, classes and methods`() {
        for value in 0...255 as ClosedRange<UInt8> {
            if value != 1 { Self.expect(.unsupportedMADVersion(value)) { $0[0] = value } }
            if value != 7 { Self.expect(.unsupportedManagementClass(value, version: 2)) { $0[1] = value } }
            if value != 2 { Self.expect(.unsupportedManagementClass(7, version: value)) { $0[2] = value } }
            if value != 3 { Self.expect(.unsupportedManagementMethod(value)) { $0[3] = value } }
        }
    }

    /// Among them LAP and APR, 0x19 and 0x1A.
    @Test func `refuses attributes that are no message here`() {
        for value in 0...UInt16.max where !(0x10...0x18).contains(value) {
            guard value < 0x200 || value % 997 == 0 else { continue }
            Self.expect(.unsupportedManagementAttribute(value)) {
                $0[16] = UInt8(value >> 8)
                $0[17] = UInt8(truncatingIfNeeded: value)
            }
        }
    }

    @Test func `ignores what connection management does not use of the header`() throws {
        for offset in [4, 5, 6, 7, 18, 19] {
            var bytes = Self.golden
            bytes[offset] = 0xFF
            #expect(try CM.Datagram(parsing: bytes.span.bytes) == Self.goldenDatagram)
        }
    }

    private static func expect(
        _ error: WireError,
        location: SourceLocation = #_sourceLocation,
        _ change: (inout [UInt8]) -> Void
    ) {
        var bytes = Self.golden
        change(&bytes)
        #expect(throws: error, sourceLocation: location) { try CM.Datagram(parsing: bytes.span.bytes) }
    }
}

extension CM.Datagram {
    /// Encoded into a dirty buffer.
    func encoded() -> [UInt8] {
        var bytes = [UInt8](repeating: 0xA5, count: Self.byteCount)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        self.encode(into: &raw)
        return bytes
    }
}
