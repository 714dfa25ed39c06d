internal import CVerbs

/// A list of devices as the library made it, freed with the last ``Device`` of it.
@safe
internal final class DeviceList {
    let library: VerbsLibrary
    let count: Int
    // SAFETY: a list of `count` devices of the library, until `deinit`.
    private let list: UnsafeMutablePointer<UnsafeMutablePointer<ibv_device>?>

    init(_ library: VerbsLibrary) throws(VerbsError) {
        var count: CInt = 0
        guard let list = unsafe library.functions.getDeviceList(&count) else {
            throw .last("ibv_get_device_list", detail: "of \(library.name); is the kernel's RDMA support loaded?")
        }
        self.library = library
        self.count = Int(count)
        unsafe self.list = unsafe list
    }

    deinit {
        unsafe self.library.functions.freeDeviceList(self.list)
    }

    /// - Parameter index: Less than `count`.
    subscript(index: Int) -> UnsafeMutablePointer<ibv_device>? {
        precondition(index < self.count)
        return unsafe self.list[index]
    }
}

// SAFETY: the list does not change.
extension DeviceList: @unchecked Sendable {}
