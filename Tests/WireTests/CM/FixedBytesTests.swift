import Testing

@testable import Wire

@Suite("Fixed bytes")
struct FixedBytesTests {
    @Test func `are zeros behind what was given`() {
        #expect(FixedBytes<4>().array == [0, 0, 0, 0])
        #expect(FixedBytes<4>([1, 2]).array == [1, 2, 0, 0])
        #expect(FixedBytes<4>([1, 2, 3, 4]).array == [1, 2, 3, 4])
    }

    @Test func `are equal when every byte is`() {
        #expect(FixedBytes<3>([1, 2, 3]) == FixedBytes<3>([1, 2, 3]))
        #expect(FixedBytes<3>([1, 2, 3]).hashValue == FixedBytes<3>([1, 2, 3]).hashValue)
        for index in 0..<3 {
            var bytes: [UInt8] = [1, 2, 3]
            bytes[index] = 9
            #expect(FixedBytes<3>(bytes) != FixedBytes<3>([1, 2, 3]))
        }
    }

    @Test func `do not take more than they hold`() async {
        await #expect(processExitsWith: .failure) { _ = FixedBytes<2>([1, 2, 3]) }
        await #expect(processExitsWith: .failure) {
            var bytes = FixedBytes<4>()
            bytes.replace(at: 3, with: ([1, 2] as [UInt8]).span.bytes)
        }
    }
}
