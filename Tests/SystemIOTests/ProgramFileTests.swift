import SystemIO
import Testing

@Suite("Program file")
struct ProgramFileTests {
    @Test func `a name is looked up in the search path, a path is not`() throws {
        #expect(try ProgramFile(name: "true", searchPath: "/nowhere:/bin").path == "/bin/true")
        #expect(try ProgramFile(name: "/bin/true", searchPath: "").path == "/bin/true")
    }

    @Test func `a name that is nowhere is not found`() {
        #expect(throws: ProgramFile.Failure.notFound) {
            _ = try ProgramFile(name: "no-such-program", searchPath: "/bin:/usr/bin")
        }
        #expect(throws: ProgramFile.Failure.notFound) { _ = try ProgramFile(name: "", searchPath: "/bin") }
    }

    @Test(arguments: ["/etc/passwd", "/etc"])
    func `a file that cannot be run is named`(path: String) {
        #expect(throws: ProgramFile.Failure.notExecutable(path: path)) {
            _ = try ProgramFile(name: path, searchPath: "")
        }
    }

    @Test func `the loader takes the libraries of a dynamic program and of a script, not of a static one`() throws {
        #expect(try ProgramFile(name: "/bin/true", searchPath: "").loaderRefusal == nil)
        #expect(try ProgramFile(name: "/usr/bin/ldd", searchPath: "").loaderRefusal == nil)
        #expect(try ProgramFile(name: "/sbin/ldconfig", searchPath: "").loaderRefusal == .isStatic)
    }
}
