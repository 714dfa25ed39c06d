internal import SystemIO

/// Which addresses lead back to this host.
internal enum HostAddresses {
    static func contain(_ address: IPAddress) -> Bool {
        if address.isLoopback { return true }
        let interfaces = (try? NetworkInterfaces.enumerate()) ?? []
        return interfaces.contains { interface in
            interface.comingLinkLocal == address || interface.addresses.contains { $0.address == address }
        }
    }
}
