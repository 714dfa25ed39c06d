import SoftHCA
import Testing

/// One line of IBTA Volume 1, section 11.2.5.2, with the numbers of `ibv_qp_attr_mask`, written down by hand.
private struct Line {
    let kinds: [QueuePairType]
    let from: QueuePairState
    let to: QueuePairState
    let required: Set<Int>
    let optional: Set<Int>

    init(
        _ kinds: [QueuePairType],
        _ from: QueuePairState,
        _ to: QueuePairState,
        _ required: Set<Int> = [],
        optional: Set<Int> = []
    ) {
        self.kinds = kinds
        self.from = from
        self.to = to
        self.required = required
        self.optional = optional
    }
}

@Suite("Queue pair state rules")
struct QueuePairStateRulesTests {
    private static let states: [QueuePairState] = [
        .reset, .initialized, .readyToReceive, .readyToSend, .sendDrained, .sendError, .error,
    ]
    private static let all = QueuePairType.allCases

    private static let table: [Line] = [
        Line([.datagram], .reset, .initialized, [4, 5, 6]),
        Line([.reliable, .unreliableConnected, .extendedSend, .extendedReceive], .reset, .initialized, [3, 4, 5]),
        Line([.datagram], .initialized, .initialized, optional: [4, 5, 6]),
        Line(
            [.reliable, .unreliableConnected, .extendedSend, .extendedReceive],
            .initialized,
            .initialized,
            optional: [3, 4, 5]
        ),
        Line([.datagram], .initialized, .readyToReceive, optional: [4, 6]),
        Line(
            [.unreliableConnected, .extendedSend],
            .initialized,
            .readyToReceive,
            [7, 8, 12, 20],
            optional: [3, 4, 14]
        ),
        Line(
            [.reliable, .extendedReceive],
            .initialized,
            .readyToReceive,
            [7, 8, 12, 15, 17, 20],
            optional: [3, 4, 14]
        ),
        Line([.datagram], .readyToReceive, .readyToSend, [16], optional: [1, 6]),
        Line([.unreliableConnected], .readyToReceive, .readyToSend, [16], optional: [1, 3, 14, 18]),
        Line([.reliable], .readyToReceive, .readyToSend, [9, 10, 11, 13, 16], optional: [1, 3, 14, 15, 18]),
        Line([.extendedSend], .readyToReceive, .readyToSend, [9, 10, 11, 13, 16], optional: [1, 3, 14, 18]),
        Line([.extendedReceive], .readyToReceive, .readyToSend, [9, 16], optional: [1, 3, 14, 15, 18]),
        Line([.datagram], .readyToSend, .readyToSend, optional: [1, 6]),
        Line([.unreliableConnected, .extendedSend], .readyToSend, .readyToSend, optional: [1, 3, 14, 18]),
        Line([.reliable, .extendedReceive], .readyToSend, .readyToSend, optional: [1, 3, 14, 15, 18]),
        Line(all, .readyToSend, .sendDrained, optional: [2]),
        Line([.datagram], .sendDrained, .readyToSend, optional: [1, 6]),
        Line([.unreliableConnected, .extendedSend], .sendDrained, .readyToSend, optional: [1, 3, 14, 18]),
        Line([.reliable, .extendedReceive], .sendDrained, .readyToSend, optional: [1, 3, 14, 15, 18]),
        Line([.datagram], .sendDrained, .sendDrained, optional: [4, 6]),
        Line([.unreliableConnected], .sendDrained, .sendDrained, optional: [3, 4, 7, 14, 18]),
        Line([.reliable], .sendDrained, .sendDrained, optional: [3, 4, 5, 7, 9, 10, 11, 13, 14, 15, 17, 18]),
        Line([.extendedSend], .sendDrained, .sendDrained, optional: [3, 4, 5, 7, 9, 10, 11, 13, 14, 18]),
        Line([.extendedReceive], .sendDrained, .sendDrained, optional: [3, 4, 5, 7, 9, 14, 15, 17, 18]),
        Line([.datagram], .sendError, .readyToSend, optional: [1, 6]),
        Line([.unreliableConnected], .sendError, .readyToSend, optional: [1, 3]),
    ]

    private static func mask(_ bits: Set<Int>) -> QueuePairAttributeMask {
        QueuePairAttributeMask(rawValue: bits.reduce(0) { $0 | 1 << UInt32($1) })
    }

    /// Where every queue pair may always go, naming nothing but the state.
    private static func isAlwaysOpen(from: QueuePairState, to: QueuePairState) -> Bool {
        to == .reset || (to == .error && from != .reset)
    }

    @Test(arguments: all)
    func `agree with the specification in every transition`(kind: QueuePairType) {
        for from in Self.states {
            for to in Self.states {
                let rules = QueuePairStateRules.transition(of: kind, from: from, to: to)
                let lines = Self.table.filter { $0.from == from && $0.to == to && $0.kinds.contains(kind) }
                if Self.isAlwaysOpen(from: from, to: to) {
                    #expect(lines.isEmpty && rules?.required == [] && rules?.optional == [], "\(from) to \(to)")
                } else if let line = lines.first {
                    #expect(lines.count == 1)
                    #expect(rules?.required == Self.mask(line.required), "\(from) to \(to)")
                    #expect(rules?.optional == Self.mask(line.optional), "\(from) to \(to)")
                } else {
                    #expect(rules == nil, "\(from) to \(to)")
                }
            }
        }
    }

    @Test(arguments: all)
    func `want all that is required and nothing strange`(kind: QueuePairType) {
        for line in Self.table where line.kinds.contains(kind) {
            func isAllowed(_ bits: Set<Int>) -> Bool {
                QueuePairStateRules.allow(kind, from: line.from, to: line.to, naming: Self.mask(bits))
            }
            #expect(isAllowed(line.required))
            #expect(isAllowed(line.required.union([0])))
            #expect(isAllowed(line.required.union(line.optional).union([0])))
            for bit in 0..<32 {
                #expect(
                    isAllowed(line.required.union([bit])) == line.required.union(line.optional).union([0]).contains(bit)
                )
                if line.required.contains(bit) { #expect(!isAllowed(line.required.subtracting([bit]).union([0]))) }
            }
        }
    }

    /// The masks that ibv_rc_pingpong and ibv_ud_pingpong name.
    @Test func `let the usual programs through`() {
        let rc: [(QueuePairState, QueuePairState, Set<Int>)] = [
            (.reset, .initialized, [0, 3, 4, 5]), (.initialized, .readyToReceive, [0, 7, 8, 12, 15, 17, 20]),
            (.readyToReceive, .readyToSend, [0, 9, 10, 11, 13, 16]),
        ]
        for (from, to, bits) in rc {
            #expect(QueuePairStateRules.allow(QueuePairType.reliable, from: from, to: to, naming: Self.mask(bits)))
        }
        let ud: [(QueuePairState, QueuePairState, Set<Int>)] = [
            (.reset, .initialized, [0, 4, 5, 6]), (.initialized, .readyToReceive, [0]),
            (.readyToReceive, .readyToSend, [0, 16]),
        ]
        for (from, to, bits) in ud {
            #expect(QueuePairStateRules.allow(QueuePairType.datagram, from: from, to: to, naming: Self.mask(bits)))
        }
        #expect(
            !QueuePairStateRules.allow(
                QueuePairType.unreliableConnected,
                from: .reset,
                to: .readyToSend,
                naming: .state
            )
        )
    }

    @Test func `kinds have the numbers of the C interface`() {
        #expect(Self.all.map(\.rawValue) == [2, 3, 4, 9, 10])
        for type in [QueuePairType.reliable, .unreliableConnected, .datagram] {
            #expect(QueuePairType(rawValue: type.rawValue) == type)
        }
    }
}
