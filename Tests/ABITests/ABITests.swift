import Testing

// The C interface as C programs see it. Each test names a program, each argument a case of it.

struct ABITests {
    @Test(arguments: [
        "load", "pure", "devices", "objects", "completions", "states", "transfer", "failures", "events", "extended",
        "fork", "further", "refusals", "processes", "sharing", "windows", "regions", "domains",
        "moderation", "limits", "atomic-write", "xrc", "xrc-processes", "multicast", "forksupport", "registration",
        "reuse", "strangers", "cancel", "reach", "pins",
    ])
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

    @Test(arguments: ABIProgram(name: "states").cases)
    func `queue pairs go through their states`(testCase: String) throws {
        try ABIProgram(name: "states").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "transfer").cases, ["direct", "wire"])
    func `data arrives as it was sent`(testCase: String, path: String) throws {
        try ABIProgram(name: "transfer").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "failures").cases, ["direct", "wire"])
    func `requests that must not succeed end as the specification says`(testCase: String, path: String) throws {
        try ABIProgram(name: "failures").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "events").cases, ["direct", "wire"])
    func `events come when they were asked for`(testCase: String, path: String) throws {
        try ABIProgram(name: "events").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "extended").cases, ["direct", "wire"])
    func `work requests and completions of the extended interface`(testCase: String, path: String) throws {
        try ABIProgram(name: "extended").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "moderation").cases, ["direct", "wire"])
    func `events wait for more completions`(testCase: String, path: String) throws {
        try ABIProgram(name: "moderation").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "limits").cases, ["direct", "wire"])
    func `limits of a connection hold`(testCase: String, path: String) throws {
        try ABIProgram(name: "limits").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "reuse").cases, ["direct", "wire"])
    func `queue pairs and queues go on`(testCase: String, path: String) throws {
        try ABIProgram(name: "reuse").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "strangers").cases, ["direct", "wire"])
    func `nobody hears of who is not the peer`(testCase: String, path: String) throws {
        try ABIProgram(name: "strangers").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "cancel").cases, ["direct", "wire"])
    func `threads may be cancelled where they post and poll`(testCase: String, path: String) throws {
        try ABIProgram(name: "cancel").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "atomic-write").cases, ["direct", "wire"])
    func `eight bytes are written at once`(testCase: String, path: String) throws {
        try ABIProgram(name: "atomic-write").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "xrc").cases)
    func `extended connections share receive queues`(testCase: String) throws {
        try ABIProgram(name: "xrc").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "xrc-processes").cases)
    func `extended connections share receive queues between processes`(testCase: String) throws {
        try ABIProgram(name: "xrc-processes").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "multicast").cases)
    func `datagrams reach every member of a group`(testCase: String) throws {
        try ABIProgram(name: "multicast").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "fork").cases)
    func `a fork in the middle harms nobody`(testCase: String) throws {
        try ABIProgram(name: "fork").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "windows").cases, ["direct", "wire"])
    func `memory windows open and close`(testCase: String, path: String) throws {
        try ABIProgram(name: "windows").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "regions").cases, ["direct", "wire"])
    func `regions of every kind`(testCase: String, path: String) throws {
        try ABIProgram(name: "regions").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "processes").cases, ["direct", "wire"])
    func `two processes of one host`(testCase: String, path: String) throws {
        // A stopped process answers no packet.
        if path == "wire", testCase.contains("stopped") { return }
        try ABIProgram(name: "processes").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "sharing").cases, ["direct", "wire"])
    func `windows and device memory between two processes`(testCase: String, path: String) throws {
        try ABIProgram(name: "sharing").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "lists").cases, ["direct", "wire"])
    func `lists of requests between two processes`(testCase: String, path: String) throws {
        try ABIProgram(name: "lists").check(testCase, path: path)
    }

    @Test(arguments: ABIProgram(name: "reach").cases)
    func `who may be reached directly`(testCase: String) throws {
        try ABIProgram(name: "reach").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "further").cases)
    func `verbs that the others have no occasion for`(testCase: String) throws {
        try ABIProgram(name: "further").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "refusals").cases)
    func `what is not supported is refused with the errno that says so`(testCase: String) throws {
        try ABIProgram(name: "refusals").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "domains").cases)
    func `objects that stand for others, or are taken over`(testCase: String) throws {
        try ABIProgram(name: "domains").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "forksupport").cases)
    func `fork support, mark_nocopy and their variables`(testCase: String) throws {
        try ABIProgram(name: "forksupport").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "registration").cases)
    func `registration of bad memory, and of much`(testCase: String) throws {
        try ABIProgram(name: "registration").check(testCase)
    }

    @Test(arguments: ABIProgram(name: "pins").cases)
    func `registration of pinned memory`(testCase: String) throws {
        try ABIProgram(name: "pins").check(testCase)
    }
}
