import HostRegistry
import SystemIO
import TestSupport
import Testing
import Wire

@Suite("Steering table")
struct SteeringTableTests {
    static func block(_ number: UInt32) throws -> QPNBlock { try #require(QPNBlock(number)) }

    @Test func `the last socket moves into the place of one that closes`() throws {
        var table = SteeringTable()
        for number in [7, 8, 9, 10] as [UInt32] { table.append(try Self.block(number)) }
        table.remove(try Self.block(8))
        #expect(table.places.map { $0?.rawValue } == [7, 10, 9])
        table.remove(try Self.block(9))
        #expect(table.places.map { $0?.rawValue } == [7, 10])
        table.remove(try Self.block(8))
        #expect(table.count == 2)
    }

    @Test func `what a probe told stands against bookkeeping`() throws {
        let claims = [
            SteeringTable.Claim(block: try Self.block(1), index: 0, isLearnt: false),
            SteeringTable.Claim(block: try Self.block(2), index: 0, isLearnt: true),
            SteeringTable.Claim(block: try Self.block(3), index: 9, isLearnt: false),
        ]
        #expect(SteeringTable(claims: claims).places.map { $0?.rawValue } == [2, 1, 3])
    }

    @Test func `an index that a probe told is believed beyond the number of members`() throws {
        let claims = [
            SteeringTable.Claim(block: try Self.block(1), index: 3, isLearnt: true),
            SteeringTable.Claim(block: try Self.block(2), index: 3, isLearnt: true),
        ]
        #expect(SteeringTable(claims: claims).places.map { $0?.rawValue } == [2, nil, nil, 1])
    }

    @Test func `an absurd index makes no absurd table`() throws {
        let claims = [SteeringTable.Claim(block: try Self.block(1), index: .max - 1, isLearnt: true)]
        #expect(SteeringTable(claims: claims).places.map { $0?.rawValue } == [1])
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `every claim gets exactly one place`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let count = UInt32.random(in: 0...20, using: &generator)
            var claims: [SteeringTable.Claim] = []
            for number in 0..<count {
                let index = Int.random(in: 0...25, using: &generator)
                let isLearnt = Bool.random(using: &generator)
                claims.append(.init(block: try Self.block(number + 1), index: index, isLearnt: isLearnt))
            }
            let placed = SteeringTable(claims: claims).places.compactMap { $0?.rawValue }
            #expect(placed.sorted() == Array((0..<count).map { $0 + 1 }))
        }
    }

    /// Runs the program as the kernel would, on what it is given of a datagram.
    private func answer(_ program: [SocketFilterInstruction], destQP: UInt32, psn: UInt32) throws -> UInt32 {
        var bytes = [UInt8](repeating: 0xEE, count: 24)
        for (offset, word) in [(4, 0xFF00_0000 | destQP), (8, 0x8000_0000 | psn)] {
            for position in 0..<4 { bytes[offset + position] = UInt8(truncatingIfNeeded: word >> (24 - 8 * position)) }
        }
        return try FilterInterpreter.run(program, on: bytes)
    }

    @Test func `the program answers the index of the owner`() throws {
        var table = SteeringTable()
        for number in [7, 1023, 9] as [UInt32] { table.append(try Self.block(number)) }
        let program = table.program(serviceOwner: try Self.block(9))
        #expect(try self.answer(program, destQP: 7 << 14 | 5, psn: 99) == 0)
        #expect(try self.answer(program, destQP: 1023 << 14 | 5, psn: 99) == 1)
        #expect(try self.answer(program, destQP: 9 << 14 | 0x3FFF, psn: 99) == 2)
        #expect(try self.answer(program, destQP: 1, psn: 99) == 2)
        #expect(try self.answer(program, destQP: 8 << 14, psn: 99) == .max)
        #expect(try self.answer(program, destQP: 0xFF_FFFE, psn: 0x1234) == 0x1234)
        #expect(try self.answer(program, destQP: 0xFF_FFFF, psn: 0x1234) == 1)
    }

    @Test func `the program for the most members is short enough for the kernel`() throws {
        var table = SteeringTable()
        for block in QPNBlock.all { table.append(block) }
        #expect(table.program(serviceOwner: try Self.block(1)).count <= 4096)
        #expect(table.count == 1023)
    }
}
