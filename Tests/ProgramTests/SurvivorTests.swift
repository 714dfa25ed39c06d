import Glibc
import TestSupport
import Testing

extension ProgramTests {
    /// A process whose peer is killed in the middle of mixed traffic, again and again.
    @Suite(.serialized)
    struct SurvivorTests {
        /// `make soak` asks for more.
        private static var killCount: Int {
            getenv("SURVIVOR_KILLS").flatMap { Int(String(cString: $0)) } ?? 25
        }

        @Test func `who survives its peers is told of each, and keeps nothing of them`() throws {
            let host = try NetworkNamespace()
            let executable = try CProgram.compile("Tests/ProgramTests/Programs/survivor.c")
            let path = getenv("VERBENA_PATH").map { String(cString: $0) } ?? "wire"
            let seed = UInt32.random(in: 0...UInt32.max)
            let program = try host.startOnVerbena(
                [executable, "\(Self.killCount)", "\(seed)"],
                environment: ["VERBENA_PATH": path]
            )
            let ending = program.wait(timeoutSeconds: 60 + 2 * Self.killCount)
            #expect(ending == .exited(code: 0), "seed \(seed): \(program.output)")
            print("survivor, \(path), seed \(seed): \(program.output)")
        }
    }
}
