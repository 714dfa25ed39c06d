import Testing
import Wire

@testable import SoftHCA
@testable import SystemIO

@Suite("Address handle")
struct AddressHandleTests {
    @Test func `port, route and source have to be right`() throws {
        let domain = try ProtectionDomain(context: try Context.forTesting())
        var attributes = AddressAttributes()
        attributes.port = 1
        attributes.isGlobal = true
        attributes.destinationGID = GID(ipv4: 0x0A00_0002)
        let handle = try AddressHandle(domain: domain, attributes: attributes)
        #expect(failure { try domain.close() } == .resourceBusy)
        try handle.close()
        #expect(domain.users.count == 0)

        for break_ in 0..<3 {
            var wrong = attributes
            switch break_ {
            case 0: wrong.port = 2
            case 1: wrong.isGlobal = false
            default: wrong.sourceGIDIndex = 255
            }
            #expect(failure { _ = try AddressHandle(domain: domain, attributes: wrong) } == .invalidArgument)
        }
        #expect(domain.users.count == 0)
    }
}
