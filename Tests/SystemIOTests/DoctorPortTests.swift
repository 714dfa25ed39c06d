import Testing

@testable import SystemIO

@Suite("Port holders")
struct DoctorPortTests {
    /// As /proc/net/udp shows them: a socket of user 1000 on every address and port 4791, and one on another port.
    private static let table = """
           sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
          123: 00000000:12B7 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 45678 2 0 0
          124: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 45679 2 0 0
        """

    @Test func `the socket on the port is found with its user and inode`() {
        let sockets = DoctorPort.sockets(in: Self.table, port: 4791)
        #expect(sockets == [DoctorPort.Socket(userID: 1000, inode: 45678)])
    }

    @Test func `an IPv6 address is no hindrance`() {
        let line =
            "header\n 5: 00000000000000000000000000000000:12B7 00000000000000000000000000000000:0000 07 0:0 0:0 0 7 0 99 2 0 0"
        #expect(DoctorPort.sockets(in: line, port: 4791) == [DoctorPort.Socket(userID: 7, inode: 99)])
    }

    @Test(arguments: ["", "header", "header\n", "header\n 1: broken", "header\n 1: 0:12B7 a b c d e f g h i j"])
    func `what is no table has no sockets`(table: String) {
        #expect(DoctorPort.sockets(in: table, port: 4791).isEmpty)
    }
}
