internal import CVerbs

/// Holds an open device until the last object of it is gone.
@safe
internal final class ContextHandle {
    let device: Device
    // SAFETY: open until `destroyer` has closed it.
    let raw: UnsafeMutablePointer<ibv_context>
    private let destroyer = Destroyer()

    var functions: VerbsFunctions { self.device.library.functions }

    init(_ device: Device) throws(VerbsError) {
        guard let raw = unsafe device.library.functions.openDevice(device.raw) else {
            throw .last("ibv_open_device", detail: "device \(device.name) of \(device.library.name)")
        }
        self.device = device
        unsafe self.raw = unsafe raw
    }

    deinit {
        self.destroyer.destroySilently { unsafe self.functions.closeDevice(self.raw) }
    }

    func close() throws(VerbsError) {
        try self.destroyer.destroy("ibv_close_device", detail: "device \(self.device.name)") {
            unsafe self.functions.closeDevice(self.raw)
        }
    }
}

extension ContextHandle {
    func gid(port: UInt8, index: Int) throws(VerbsError) -> GID {
        var gid = ibv_gid()
        try VerbsError.check(
            "ibv_query_gid",
            unsafe self.functions.queryGID(self.raw, port, CInt(clamping: index), &gid),
            detail: "port \(port), index \(index)"
        )
        return GID(gid)
    }

    /// The index that a program chose, or the usual one.
    func gidIndex(_ index: Int?, port: UInt8) throws(VerbsError) -> Int {
        guard let index else { return try self.usualGIDIndex(port: port) }
        return index
    }

    /// See `Context.usualGIDIndex`.
    func usualGIDIndex(port: UInt8) throws(VerbsError) -> Int {
        let count = try PortAttributes(self, port: port).gidCount
        var best = 0
        for index in 0..<count {
            // Behind the last entry that is in use, the rest is empty.
            guard let gid = try? self.gid(port: port, index: index), !gid.isZero else { continue }
            if gid.isIPv4 { return index }
            if best == 0, !gid.isLinkLocal { best = index }
        }
        return best
    }
}

// SAFETY: verbs may be called from any thread.
extension ContextHandle: @unchecked Sendable {}
