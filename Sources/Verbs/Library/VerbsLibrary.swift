internal import CVerbs

/// An implementation of verbs: where devices come from.
///
/// ```swift
/// let device = try VerbsLibrary.embedded.device()
/// ```
///
/// ``embedded`` is Verbena's adapter inside the program. ``system`` is the machine's libibverbs.so.1, with the drivers of
/// its adapters. Programs are the same on both.
///
/// Several may be in use at a time. A library stays loaded for the life of the process.
public final class VerbsLibrary: Sendable {
    /// How the library was named: `embedded`, `libibverbs.so.1`, or a path.
    public let name: String
    internal let functions: VerbsFunctions

    private init(name: String, functions: VerbsFunctions) {
        self.name = name
        self.functions = functions
    }
}

// MARK: - Where it comes from

extension VerbsLibrary {
    /// Verbena's adapter as a part of this program: no installation, no environment, no privilege. Its devices are named
    /// `verbena0`, `verbena1` and so on, one for each network interface that is up and has an address.
    public static let embedded = VerbsLibrary(name: "embedded", functions: .embedded)

    /// The libibverbs.so.1 that the dynamic loader finds: rdma-core's with the adapters of the machine, unless
    /// `LD_LIBRARY_PATH` says otherwise.
    ///
    /// - Throws: ``VerbsError/Code/libraryUnusable`` when there is none.
    public static var system: VerbsLibrary {
        get throws(VerbsError) { try Self.at("libibverbs.so.1") }
    }

    /// The libibverbs at a path.
    ///
    /// - Throws: ``VerbsError/Code/libraryUnusable`` when it cannot be loaded, or is something else.
    public static func at(_ path: String) throws(VerbsError) -> VerbsLibrary {
        let loaded = try LoadedLibrary(path)
        return VerbsLibrary(name: path, functions: try VerbsFunctions(loaded))
    }
}

// MARK: - Devices

extension VerbsLibrary {
    /// The devices that are there now, in the library's order. Empty when there is none.
    ///
    /// - Throws: ``VerbsError`` when the list cannot be made, for example because the kernel has no RDMA.
    public func devices() throws(VerbsError) -> [Device] {
        let list = try DeviceList(self)
        return (0..<list.count).map { Device(list, index: $0) }
    }

    /// A device by its name, or the first one that can reach other machines, or the first one.
    ///
    /// - Parameter name: Such as `verbena0`; nil lets the library choose.
    /// - Throws: ``VerbsError/Code/noDevice``, which says what there is.
    public func device(named name: String? = nil) throws(VerbsError) -> Device {
        let devices = try self.devices()
        let chosen = name.map { name in devices.first { $0.name == name } } ?? devices.first
        if let chosen { return chosen }
        let found = devices.isEmpty ? "no device at all" : devices.map(\.name).joined(separator: ", ")
        throw VerbsError(
            .noDevice,
            operation: "ibv_get_device_list",
            detail: "\(self.name) has \(found)"
                + (name.map { ", and not \($0)" } ?? "")
                + (devices.isEmpty ? ". \(self.adviceWithoutDevices)" : "")
        )
    }

    private var adviceWithoutDevices: String {
        guard self !== Self.embedded else {
            return "Every network interface that is up and has an address is one: `ip address` shows them"
        }
        return "It has devices when the machine has an RDMA adapter with its driver (`rdma link` lists them); "
            + "VerbsLibrary.embedded needs no adapter"
    }
}
