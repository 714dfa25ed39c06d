package import SystemIO

/// The devices that this process has seen. It keeps one object, and one name, for each interface.
package final class DeviceCatalog {
    package static let shared = DeviceCatalog()

    // SAFETY: the devices are read and written under `lock` only.
    private let lock = Lock()
    private var devices: [Device] = []

    package init() {}

    /// The devices for the interfaces of this moment. One that was seen before keeps its object; others get new names.
    package func devices(of interfaces: [NetworkInterface]) -> [Device] {
        self.lock.withLock {
            Device.eligible(among: interfaces).map { interface in
                let known = self.devices.first {
                    $0.interfaceIndex == interface.index && $0.interfaceName == interface.name
                }
                if let known {
                    known.refresh(from: interface)
                    return known
                }
                let device = Device(index: self.devices.count, interface: interface)
                self.devices.append(device)
                return device
            }
        }
    }
}

// SAFETY: see the stored properties.
extension DeviceCatalog: @unchecked Sendable {}
