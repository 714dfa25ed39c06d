internal import CVerbs
internal import VerbsABI

/// The functions of a libibverbs that the Swift API calls by name. The rest, the data path above all, is reached through the
/// table of each context, as the inline functions of `verbs.h` do.
///
/// It is the one seam between this module and an implementation.
@safe
internal struct VerbsFunctions: Sendable {
    typealias Context = UnsafeMutablePointer<ibv_context>
    typealias Domain = UnsafeMutablePointer<ibv_pd>
    typealias Region = UnsafeMutablePointer<ibv_mr>
    typealias Queue = UnsafeMutablePointer<ibv_cq>
    typealias Channel = UnsafeMutablePointer<ibv_comp_channel>
    typealias Pair = UnsafeMutablePointer<ibv_qp>
    typealias SharedQueue = UnsafeMutablePointer<ibv_srq>
    typealias Handle = UnsafeMutablePointer<ibv_ah>
    typealias DevicePointer = UnsafeMutablePointer<ibv_device>

    // SAFETY: each is a function of a library that is never unloaded, with the type that `verbs.h` declares.
    let getDeviceList: @convention(c) (UnsafeMutablePointer<CInt>?) -> UnsafeMutablePointer<DevicePointer?>?
    let freeDeviceList: @convention(c) (UnsafeMutablePointer<DevicePointer?>?) -> Void
    let getDeviceName: @convention(c) (DevicePointer?) -> UnsafePointer<CChar>?
    let getDeviceGUID: @convention(c) (DevicePointer?) -> UInt64
    let openDevice: @convention(c) (DevicePointer?) -> Context?
    let closeDevice: @convention(c) (Context?) -> CInt
    let queryDevice: @convention(c) (Context?, UnsafeMutablePointer<ibv_device_attr>?) -> CInt
    let queryPort: @convention(c) (Context?, UInt8, OpaquePointer?) -> CInt
    let queryGID: @convention(c) (Context?, UInt8, CInt, UnsafeMutablePointer<ibv_gid>?) -> CInt
    let getAsyncEvent: @convention(c) (Context?, UnsafeMutablePointer<ibv_async_event>?) -> CInt
    let acknowledgeAsyncEvent: @convention(c) (UnsafeMutablePointer<ibv_async_event>?) -> Void
    let allocateDomain: @convention(c) (Context?) -> Domain?
    let deallocateDomain: @convention(c) (Domain?) -> CInt
    let registerRegion: @convention(c) (Domain?, UnsafeMutableRawPointer?, Int, CInt) -> Region?
    let deregisterRegion: @convention(c) (Region?) -> CInt
    let createChannel: @convention(c) (Context?) -> Channel?
    let destroyChannel: @convention(c) (Channel?) -> CInt
    let createQueue: @convention(c) (Context?, CInt, UnsafeMutableRawPointer?, Channel?, CInt) -> Queue?
    let resizeQueue: @convention(c) (Queue?, CInt) -> CInt
    let destroyQueue: @convention(c) (Queue?) -> CInt
    let getQueueEvent:
        @convention(c) (Channel?, UnsafeMutablePointer<Queue?>?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?) ->
            CInt
    let acknowledgeQueueEvents: @convention(c) (Queue?, CUnsignedInt) -> Void
    let createSharedQueue: @convention(c) (Domain?, UnsafeMutablePointer<ibv_srq_init_attr>?) -> SharedQueue?
    let modifySharedQueue: @convention(c) (SharedQueue?, UnsafeMutablePointer<ibv_srq_attr>?, CInt) -> CInt
    let destroySharedQueue: @convention(c) (SharedQueue?) -> CInt
    let createPair: @convention(c) (Domain?, UnsafeMutablePointer<ibv_qp_init_attr>?) -> Pair?
    let modifyPair: @convention(c) (Pair?, UnsafeMutablePointer<ibv_qp_attr>?, CInt) -> CInt
    let queryPair:
        @convention(c) (Pair?, UnsafeMutablePointer<ibv_qp_attr>?, CInt, UnsafeMutablePointer<ibv_qp_init_attr>?) ->
            CInt
    let destroyPair: @convention(c) (Pair?) -> CInt
    let createHandle: @convention(c) (Domain?, UnsafeMutablePointer<ibv_ah_attr>?) -> Handle?
    let destroyHandle: @convention(c) (Handle?) -> CInt
    let describeStatus: @convention(c) (ibv_wc_status) -> UnsafePointer<CChar>?
    /// What the adapter counts, where it is part of the program; nil where the kernel shows it.
    var counters: (@Sendable (UnsafeMutablePointer<ibv_context>) -> [(name: String, value: UInt64)])?
}

// MARK: - Embedded

extension VerbsFunctions {
    /// Verbena's own, which are part of the program.
    static let embedded = unsafe VerbsFunctions(
        getDeviceList: ibv_get_device_list,
        freeDeviceList: ibv_free_device_list,
        getDeviceName: ibv_get_device_name,
        getDeviceGUID: ibv_get_device_guid,
        openDevice: ibv_open_device,
        closeDevice: ibv_close_device,
        queryDevice: ibv_query_device,
        queryPort: ibv_query_port,
        queryGID: ibv_query_gid,
        getAsyncEvent: ibv_get_async_event,
        acknowledgeAsyncEvent: ibv_ack_async_event,
        allocateDomain: ibv_alloc_pd,
        deallocateDomain: ibv_dealloc_pd,
        registerRegion: ibv_reg_mr,
        deregisterRegion: ibv_dereg_mr,
        createChannel: ibv_create_comp_channel,
        destroyChannel: ibv_destroy_comp_channel,
        createQueue: ibv_create_cq,
        resizeQueue: ibv_resize_cq,
        destroyQueue: ibv_destroy_cq,
        getQueueEvent: ibv_get_cq_event,
        acknowledgeQueueEvents: ibv_ack_cq_events,
        createSharedQueue: ibv_create_srq,
        modifySharedQueue: ibv_modify_srq,
        destroySharedQueue: ibv_destroy_srq,
        createPair: ibv_create_qp,
        modifyPair: ibv_modify_qp,
        queryPair: ibv_query_qp,
        destroyPair: ibv_destroy_qp,
        createHandle: ibv_create_ah,
        destroyHandle: ibv_destroy_ah,
        describeStatus: ibv_wc_status_str,
        counters: { unsafe adapterCounters($0) }
    )
}

// MARK: - Loaded

extension VerbsFunctions {
    /// Those of a library that was loaded.
    ///
    /// - Throws: ``VerbsError/Code/libraryUnusable`` when one is missing.
    init(_ library: borrowing LoadedLibrary) throws(VerbsError) {
        unsafe self.init(
            getDeviceList: try library.function("ibv_get_device_list"),
            freeDeviceList: try library.function("ibv_free_device_list"),
            getDeviceName: try library.function("ibv_get_device_name"),
            getDeviceGUID: try library.function("ibv_get_device_guid"),
            openDevice: try library.function("ibv_open_device"),
            closeDevice: try library.function("ibv_close_device"),
            queryDevice: try library.function("ibv_query_device"),
            queryPort: try library.function("ibv_query_port"),
            queryGID: try library.function("ibv_query_gid"),
            getAsyncEvent: try library.function("ibv_get_async_event"),
            acknowledgeAsyncEvent: try library.function("ibv_ack_async_event"),
            allocateDomain: try library.function("ibv_alloc_pd"),
            deallocateDomain: try library.function("ibv_dealloc_pd"),
            registerRegion: try library.function("ibv_reg_mr"),
            deregisterRegion: try library.function("ibv_dereg_mr"),
            createChannel: try library.function("ibv_create_comp_channel"),
            destroyChannel: try library.function("ibv_destroy_comp_channel"),
            createQueue: try library.function("ibv_create_cq"),
            resizeQueue: try library.function("ibv_resize_cq"),
            destroyQueue: try library.function("ibv_destroy_cq"),
            getQueueEvent: try library.function("ibv_get_cq_event"),
            acknowledgeQueueEvents: try library.function("ibv_ack_cq_events"),
            createSharedQueue: try library.function("ibv_create_srq"),
            modifySharedQueue: try library.function("ibv_modify_srq"),
            destroySharedQueue: try library.function("ibv_destroy_srq"),
            createPair: try library.function("ibv_create_qp"),
            modifyPair: try library.function("ibv_modify_qp"),
            queryPair: try library.function("ibv_query_qp"),
            destroyPair: try library.function("ibv_destroy_qp"),
            createHandle: try library.function("ibv_create_ah"),
            destroyHandle: try library.function("ibv_destroy_ah"),
            describeStatus: try library.function("ibv_wc_status_str")
        )
    }
}
