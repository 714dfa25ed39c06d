import Glibc
import SystemIO
import TestSupport
import Testing

@Suite("UDP socket", .serialized)
struct UDPSocketTests {
    static let ipv4 = IPAddress.ipv4Loopback
    static let ipv6 = IPAddress.ipv6Loopback

    @Test(arguments: [Self.ipv4, Self.ipv6])
    func `a datagram arrives with everything that is known of it`(address: IPAddress) throws {
        try ThreadNamespace.withFresh {
            let sender = try UDPSocket(port: 0)
            let receiver = try UDPSocket(port: 0)
            let destination = SocketEndpoint(address: address, port: receiver.port)
            try sender.send([1, 2, 3], to: destination, from: address, trafficClass: 0x6A, hopLimit: 9)
            let (datagram, bytes) = try #require(try receiver.receiveWaiting())
            #expect(bytes == [1, 2, 3])
            #expect(datagram.byteCount == 3)
            #expect(datagram.segmentByteCount == 3)
            #expect(!datagram.isTruncated)
            #expect(datagram.source == SocketEndpoint(address: address, port: sender.port))
            #expect(datagram.destination == address)
            #expect(datagram.interfaceIndex == 1)
            #expect(datagram.trafficClass == 0x6A)
            #expect(datagram.hopLimit == 9)
            try sender.send([4], to: destination)
            let (plain, _) = try #require(try receiver.receiveWaiting())
            #expect(plain.trafficClass == UDPSocket.defaultTrafficClass)
            #expect(plain.hopLimit == UDPSocket.defaultHopLimit)
        }
    }

    @Test(arguments: [Self.ipv4, Self.ipv6])
    func `a train is cut by the kernel and arrives in one piece`(address: IPAddress) throws {
        try ThreadNamespace.withFresh {
            let sender = try UDPSocket(port: 0)
            let receiver = try UDPSocket(port: 0)
            let train = (0..<(60 * 1040 + 17)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let destination = SocketEndpoint(address: address, port: receiver.port)
            try sender.send(train, segmentByteCount: 1040, to: destination)
            let (datagram, bytes) = try #require(try receiver.receiveWaiting())
            #expect(datagram.segmentByteCount == 1040)
            #expect(bytes == train)
        }
    }

    /// The ICRC covers the identification, so that the sender must know it.
    @Test(arguments: [1, 4])
    func `the IPv4 identification is the index in the train`(segmentCount: Int) throws {
        // One segment at most for the device: the kernel cuts before the packet socket sees the train.
        let commands = ["ip link set lo gso_max_segs 1", "ip link set lo up"]
        try ThreadNamespace.withFresh(commands: commands) {
            let sniffer = socket(AF_PACKET, CInt(SOCK_DGRAM.rawValue), CInt(UInt16(3).bigEndian))
            try #require(sniffer >= 0)
            defer { close(sniffer) }
            let sender = try UDPSocket(port: 0)
            let receiver = try UDPSocket(port: 0)
            let destination = SocketEndpoint(address: Self.ipv4, port: receiver.port)
            for _ in 0..<3 {
                let train = [UInt8](repeating: 7, count: 100 * segmentCount)
                try sender.send(train, segmentByteCount: 100, to: destination, from: Self.ipv4)
            }
            var identifications: [Int] = []
            var packet = [UInt8](repeating: 0, count: 2048)
            while true {
                var address = sockaddr_storage()
                var byteCount = socklen_t(MemoryLayout<sockaddr_storage>.size)
                let count = withUnsafeMutablePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(sniffer, &packet, packet.count, CInt(MSG_DONTWAIT), $0, &byteCount)
                    }
                }
                guard count > 0 else { break }
                guard packet[0] == 0x45 else { continue }
                #expect(packet[6] == 0x40, "fragmentation is forbidden")
                // sll_pkttype is byte 10; 4 is outgoing. Loopback shows each packet twice.
                let isOutgoing = withUnsafeBytes(of: address) { $0[10] == 4 }
                if isOutgoing { identifications.append(Int(packet[4]) << 8 | Int(packet[5])) }
            }
            let expected = (0..<3).flatMap { _ in Array(0..<segmentCount) }
            #expect(identifications == expected)
        }
    }

    @Test func `errors of sending can be told apart`() throws {
        let commands = [
            "ip link set lo mtu 1500 up", "ip addr add 10.1.1.1/24 dev lo",
            "nft add table inet t", "nft 'add chain inet t o { type filter hook output priority 0; }'",
            "nft add rule inet t o udp dport 9 drop",
        ]
        try ThreadNamespace.withFresh(commands: commands) {
            let sender = try UDPSocket(port: 0)
            let here = SocketEndpoint(address: Self.ipv4, port: 10)
            #expect(throws: Errno(rawValue: EMSGSIZE)) {
                try sender.send([UInt8](repeating: 0, count: 1473), to: here)
            }
            #expect(throws: Errno(rawValue: ENETUNREACH)) {
                try sender.send([0], to: SocketEndpoint(address: IPAddress(ipv4: 0x0808_0808), port: 10))
            }
            #expect(throws: Errno(rawValue: EPERM)) {
                try sender.send([0], to: SocketEndpoint(address: Self.ipv4, port: 9))
            }
            #expect(throws: Errno(rawValue: ENETUNREACH)) {
                try sender.send([0], to: here, from: IPAddress(ipv4: 0x0A02_0202))
            }
            sender.descriptor.close()
            #expect(throws: Errno(rawValue: EBADF)) { try sender.send([0], to: here) }
        }
    }

    @Test func `a datagram longer than the buffer is reported as cut`() throws {
        try ThreadNamespace.withFresh {
            let sender = try UDPSocket(port: 0)
            let receiver = try UDPSocket(port: 0)
            try sender.send([1, 2, 3], to: SocketEndpoint(address: Self.ipv4, port: receiver.port))
            let (datagram, bytes) = try #require(try receiver.receiveWaiting(byteCountMax: 2))
            #expect(datagram.isTruncated)
            #expect(bytes == [1, 2])
            #expect(try receiver.receive() == nil)
        }
    }

    @Test func `the steering program chooses the socket`() throws {
        try ThreadNamespace.withFresh {
            let first = try UDPSocket(port: 4791)
            let second = try UDPSocket(port: 4791)
            let sender = try UDPSocket(port: 0)
            try second.attachSteering([.loadWord(at: 4), .and(0x00FF_FFFF), .shiftRight(by: 14), .answerLoaded])
            for address in [Self.ipv4, Self.ipv6] {
                for block in [1, 0, 1, 1, 0] as [UInt8] {
                    // Bytes 5 to 7 are the destination QP number, whose upper ten bits are the block.
                    let datagram: [UInt8] = [0, 0, 0, 0, 0xFF, 0, 0x40 * block, 9]
                    try sender.send(datagram, to: SocketEndpoint(address: address, port: 4791))
                    let atFirst = try first.receive()
                    let atSecond = try second.receive()
                    #expect((atFirst == nil) == (block == 1))
                    #expect((atSecond == nil) == (block == 0))
                }
            }
        }
    }

    @Test func `a port that another socket has without sharing is refused`() throws {
        try ThreadNamespace.withFresh {
            let holder = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
            defer { close(holder) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(4791).bigEndian
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(holder, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(bound == 0)
            #expect(throws: Errno.addressInUse) { _ = try UDPSocket(port: 4791) }
        }
    }
}

extension UDPSocket {
    fileprivate borrowing func send(
        _ bytes: [UInt8],
        segmentByteCount: Int? = nil,
        to destination: SocketEndpoint,
        from source: IPAddress = .any,
        trafficClass: UInt8 = UDPSocket.defaultTrafficClass,
        hopLimit: UInt8 = 64
    ) throws {
        let segmentByteCount = segmentByteCount ?? bytes.count
        try bytes.withUnsafeBytes {
            try self.send(
                $0,
                segmentByteCount: segmentByteCount,
                to: destination,
                from: source,
                trafficClass: trafficClass,
                hopLimit: hopLimit
            )
        }
    }

    fileprivate borrowing func receive(byteCountMax: Int = 65_536) throws -> (ReceivedDatagram, [UInt8])? {
        var bytes = [UInt8](repeating: 0, count: byteCountMax)
        let datagram = try bytes.withUnsafeMutableBytes { try self.receive(into: $0) }
        return datagram.map { ($0, Array(bytes[..<$0.byteCount])) }
    }

    /// Loopback delivers before the send returns, or shortly after; a second is patience, not timing.
    fileprivate borrowing func receiveWaiting(byteCountMax: Int = 65_536) throws -> (ReceivedDatagram, [UInt8])? {
        var request = pollfd(fd: self.rawDescriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&request, 1, 10_000)
        return try self.receive(byteCountMax: byteCountMax)
    }
}
