import TestSupport
import Testing

extension ProgramTests {
    /// What the programs send, as a stranger sees it on the cable.
    @Suite(.serialized)
    struct CaptureTests {
        /// A judge that would pass anything would judge nothing.
        @Test func `the checker knows a right ICRC from a wrong one`() {
            // An acknowledgement as Linux's rxe sends it; the last four bytes are its ICRC.
            var packet: [UInt8] = Self.acknowledgement
            #expect(InvariantCRC.isRight(packet))
            packet[40] ^= 1
            #expect(!InvariantCRC.isRight(packet))
        }

        @Test(arguments: Self.runs)
        func `every packet is RoCEv2 with a right ICRC`(run: PingPong) throws {
            let hosts = try NamespacePair()
            try hosts.segmentBeforeCapture()
            let capture = try Capture(on: hosts.left)
            try run.expectSuccess(on: hosts)
            let file = try capture.finish()

            // Each exchange is a message both ways.
            #expect(file.packets.count >= 2 * Self.exchangeCount)
            let wrong = file.packets.indices.filter { !InvariantCRC.isRight(file.packets[$0]) }
            #expect(
                wrong.isEmpty,
                "\(wrong.count) of \(file.packets.count) ICRCs are wrong, first: packet \(wrong.first ?? 0)"
            )

            let lines = try capture.dissect()
            #expect(lines.count == file.packets.count)
            let strange = lines.filter { line in
                let text = line.lowercased()
                return !text.contains(":rroce") && !text.contains(":infiniband")
                    || text.contains("malformed") || text.contains("unknown") || text.contains("undecoded")
            }
            #expect(strange.isEmpty, "\(strange.count) strange packets, first: \(strange.first ?? "")")
        }
    }
}

// MARK: - Cases

extension ProgramTests.CaptureTests {
    /// From 10.77.0.3 to 10.77.0.2, opcode RC ACKNOWLEDGE.
    static let acknowledgement: [UInt8] = [
        0x45, 0x00, 0x00, 0x30, 0x12, 0x8D, 0x40, 0x00, 0x40, 0x11, 0x13, 0x92,
        0x0A, 0x4D, 0x00, 0x03, 0x0A, 0x4D, 0x00, 0x02, 0xC1, 0x90, 0x12, 0xB7,
        0x00, 0x1C, 0x00, 0x00, 0x11, 0x00, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x14,
        0x00, 0x0A, 0x2C, 0x51, 0x1F, 0x00, 0x00, 0x01, 0xA0, 0x45, 0x07, 0x45,
    ]

    static let exchangeCount = 20

    static let runs: [PingPong] = PingPong.Program.allCases.flatMap { program in
        [GIDTable.Kind.ipv4, .ipv6, .linkLocal].map { address in
            // Several packets a message, the last of them padded.
            let byteCount = program == .ud ? "1001" : "10001"
            return PingPong(
                program: program,
                options: ["-c", "-n", "\(Self.exchangeCount)", "-s", byteCount],
                address: address,
                placement: .twoNamespaces
            )
        }
    }
}
