import Testing

@testable import Wire

/// One line of IBTA Volume 1, table 38, written down by hand: what stands behind the BTH, in order.
private struct Line: Sendable, CustomTestStringConvertible {
    let opcode: Opcode
    let rawValue: UInt8
    let headers: String
    let isRequest: Bool

    init(_ opcode: Opcode, _ rawValue: UInt8, _ headers: String, isRequest: Bool = true) {
        self.opcode = opcode
        self.rawValue = rawValue
        self.headers = headers
        self.isRequest = isRequest
    }

    var testDescription: String { "\(self.rawValue)" }
}

@Suite("Opcode table")
struct OpcodeTests {
    private static let rc: [Line] = [
        Line(.rcSendFirst, 0, "payload"), Line(.rcSendMiddle, 1, "payload"), Line(.rcSendLast, 2, "payload"),
        Line(.rcSendLastWithImmediate, 3, "immdt payload"), Line(.rcSendOnly, 4, "payload"),
        Line(.rcSendOnlyWithImmediate, 5, "immdt payload"), Line(.rcWriteFirst, 6, "reth payload"),
        Line(.rcWriteMiddle, 7, "payload"), Line(.rcWriteLast, 8, "payload"),
        Line(.rcWriteLastWithImmediate, 9, "immdt payload"), Line(.rcWriteOnly, 10, "reth payload"),
        Line(.rcWriteOnlyWithImmediate, 11, "reth immdt payload"), Line(.rcReadRequest, 12, "reth"),
        Line(.rcReadResponseFirst, 13, "aeth payload", isRequest: false),
        Line(.rcReadResponseMiddle, 14, "payload", isRequest: false),
        Line(.rcReadResponseLast, 15, "aeth payload", isRequest: false),
        Line(.rcReadResponseOnly, 16, "aeth payload", isRequest: false),
        Line(.rcAcknowledge, 17, "aeth", isRequest: false),
        Line(.rcAtomicAcknowledge, 18, "aeth atomicack", isRequest: false), Line(.rcCompareSwap, 19, "atomic"),
        Line(.rcFetchAdd, 20, "atomic"), Line(.rcSendLastWithInvalidate, 22, "ieth payload"),
        Line(.rcSendOnlyWithInvalidate, 23, "ieth payload"), Line(.rcFlush, 28, "feth reth"),
        Line(.rcAtomicWrite, 29, "reth payload"),
    ]
    private static let uc: [Line] = [
        Line(.ucSendFirst, 32, "payload"), Line(.ucSendMiddle, 33, "payload"), Line(.ucSendLast, 34, "payload"),
        Line(.ucSendLastWithImmediate, 35, "immdt payload"), Line(.ucSendOnly, 36, "payload"),
        Line(.ucSendOnlyWithImmediate, 37, "immdt payload"), Line(.ucWriteFirst, 38, "reth payload"),
        Line(.ucWriteMiddle, 39, "payload"), Line(.ucWriteLast, 40, "payload"),
        Line(.ucWriteLastWithImmediate, 41, "immdt payload"), Line(.ucWriteOnly, 42, "reth payload"),
        Line(.ucWriteOnlyWithImmediate, 43, "reth immdt payload"),
    ]
    private static let ud: [Line] = [
        Line(.udSendOnly, 100, "deth payload"), Line(.udSendOnlyWithImmediate, 101, "deth immdt payload"),
    ]
    private static let xrc: [Line] = [
        Line(.xrcSendFirst, 160, "xrceth payload"), Line(.xrcSendMiddle, 161, "xrceth payload"),
        Line(.xrcSendLast, 162, "xrceth payload"), Line(.xrcSendLastWithImmediate, 163, "xrceth immdt payload"),
        Line(.xrcSendOnly, 164, "xrceth payload"), Line(.xrcSendOnlyWithImmediate, 165, "xrceth immdt payload"),
        Line(.xrcWriteFirst, 166, "xrceth reth payload"), Line(.xrcWriteMiddle, 167, "xrceth payload"),
        Line(.xrcWriteLast, 168, "xrceth payload"), Line(.xrcWriteLastWithImmediate, 169, "xrceth immdt payload"),
        Line(.xrcWriteOnly, 170, "xrceth reth payload"),
        Line(.xrcWriteOnlyWithImmediate, 171, "xrceth reth immdt payload"),
        Line(.xrcReadRequest, 172, "xrceth reth"), Line(.xrcReadResponseFirst, 173, "aeth payload", isRequest: false),
        Line(.xrcReadResponseMiddle, 174, "payload", isRequest: false),
        Line(.xrcReadResponseLast, 175, "aeth payload", isRequest: false),
        Line(.xrcReadResponseOnly, 176, "aeth payload", isRequest: false),
        Line(.xrcAcknowledge, 177, "aeth", isRequest: false),
        Line(.xrcAtomicAcknowledge, 178, "aeth atomicack", isRequest: false),
        Line(.xrcCompareSwap, 179, "xrceth atomic"), Line(.xrcFetchAdd, 180, "xrceth atomic"),
        Line(.xrcSendLastWithInvalidate, 182, "xrceth ieth payload"),
        Line(.xrcSendOnlyWithInvalidate, 183, "xrceth ieth payload"),
    ]
    private static let table = rc + uc + ud + xrc

    private static let byteCounts = [
        "payload": 0, "immdt": 4, "ieth": 4, "reth": 16, "aeth": 4, "atomic": 28, "atomicack": 8, "deth": 8,
        "xrceth": 4,
        "feth": 4,
    ]

    @Test(arguments: table)
    private func `agrees with the table`(line: Line) {
        let opcode = line.opcode
        let headers = line.headers.split(separator: " ").map(String.init)
        #expect(opcode.rawValue == line.rawValue)
        #expect(opcode.isKnown)
        #expect(opcode.isRequest == line.isRequest)
        #expect(opcode.isResponse == !line.isRequest)
        #expect(opcode.hasPayload == headers.contains("payload"))
        #expect(opcode.hasImmediate == headers.contains("immdt"))
        #expect(opcode.hasInvalidate == headers.contains("ieth"))
        #expect(opcode.hasRETH == headers.contains("reth"))
        #expect(opcode.hasAETH == headers.contains("aeth"))
        #expect(opcode.hasAtomicETH == headers.contains("atomic"))
        #expect(opcode.hasAtomicAckETH == headers.contains("atomicack"))
        #expect(opcode.hasDETH == headers.contains("deth"))
        #expect(opcode.hasXRCETH == headers.contains("xrceth"))
        #expect(opcode.hasFETH == headers.contains("feth"))
        #expect(opcode.headerByteCount == 12 + headers.reduce(0) { $0 + (Self.byteCounts[$1] ?? 999) })
    }

    @Test func `everything else is unknown`() {
        let known = Set(Self.table.map(\.rawValue) + [Opcode.cnp.rawValue])
        for rawValue in UInt8.min ... .max {
            let opcode = Opcode(rawValue: rawValue)
            #expect(opcode.isKnown == known.contains(rawValue), "\(rawValue)")
        }
        #expect(known.count == 25 + 12 + 2 + 23 + 1)
    }

    @Test func `names the transport of every code`() {
        let transports: [Opcode.Transport] = [.rc, .uc, .rd, .ud, .cnp, .xrc, .unknown, .unknown]
        for rawValue in UInt8.min ... .max {
            #expect(Opcode(rawValue: rawValue).transport == transports[Int(rawValue / 32)])
        }
    }

    @Test func `a packet has one place in its message and one kind`() {
        for opcode in Self.table.map(\.opcode) {
            let places = [opcode.isFirst, opcode.isMiddle, opcode.isLast, opcode.isOnly]
            let kinds = [
                opcode.isSend, opcode.isWrite, opcode.isReadRequest, opcode.isReadResponse, opcode.isAtomic,
                opcode.isAck,
                opcode.isFlush,
            ]
            #expect(places.filter(\.self).count == 1, "\(opcode)")
            #expect(kinds.filter(\.self).count == 1, "\(opcode)")
        }
    }

    @Test func `places and kinds are the right ones`() {
        func operations(_ matches: (Opcode) -> Bool) -> [UInt8] {
            Self.rc.map(\.opcode).filter(matches).map(\.rawValue)
        }
        #expect(operations(\.isFirst) == [0, 6, 13])
        #expect(operations(\.isMiddle) == [1, 7, 14])
        #expect(operations(\.isLast) == [2, 3, 8, 9, 15, 22])
        #expect(operations(\.isSend) == [0, 1, 2, 3, 4, 5, 22, 23])
        #expect(operations(\.isWrite) == [6, 7, 8, 9, 10, 11])
        #expect(operations(\.isReadRequest) == [12])
        #expect(operations(\.isReadResponse) == [13, 14, 15, 16])
        #expect(operations(\.isAck) == [17, 18])
        #expect(operations(\.isAtomic) == [19, 20, 29])
        #expect(operations(\.isFlush) == [28])
    }

    @Test func `a congestion notification is neither request nor response`() {
        #expect(Opcode.cnp.rawValue == 0x81)
        #expect(!Opcode.cnp.isRequest)
        #expect(!Opcode.cnp.isResponse)
        #expect(Opcode.cnp.hasPayload)
        #expect(Opcode.cnp.headerByteCount == 12)
    }
}
