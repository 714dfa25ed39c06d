import Testing

// The C interface as C programs see it. Each test names a program, each argument a case of it.

struct ABITests {
    @Test(arguments: ["load", "pure", "devices", "objects", "completions"])
    func `every program has cases`(program: String) {
        #expect(!ABIProgram(name: program).cases.isEmpty)
    }

    @Test(arguments: ABIProgram(name: "load").cases)
    func `loading leaves the process as it was`(testCase: String) throws {
        try ABIProgram(name: "load").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "pure").cases)
    func `functions that need no adapter answer as rdma-core's do`(testCase: String) throws {
        try ABIProgram(name: "pure").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "devices").cases)
    func `devices and what can be asked of them`(testCase: String) throws {
        try ABIProgram(name: "devices").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "objects").cases)
    func `domains, regions, address handles and shared queues`(testCase: String) throws {
        try ABIProgram(name: "objects").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "completions").cases)
    func `completion queues and channels`(testCase: String) throws {
        try ABIProgram(name: "completions").check(testCase)
    }
}
