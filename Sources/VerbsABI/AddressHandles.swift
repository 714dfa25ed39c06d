public import CVerbs
internal import Glibc
internal import SoftHCA
internal import SystemIO
internal import Wire

// SAFETY (this file): handles, domains and contexts are pointers that this library returned and did not destroy, as the
// manual demands of the caller.

/// Makes an address handle. See ibv_create_ah(3).
@c @implementation
public func ibv_create_ah(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ attributes: UnsafeMutablePointer<ibv_ah_attr>?
) -> UnsafeMutablePointer<ibv_ah>? {
    unsafe returningPointer { () throws(Errno) in
        let domain = unsafe try domain.orInvalid()
        let attributes = unsafe try attributes.orInvalid().pointee
        let address = try AddressHandle(domain: unsafe domain.adapter, attributes: AddressAttributes(attributes))
        let handle: UnsafeMutablePointer<AddressHandleHandle>
        do throws(Errno) {
            unsafe handle = unsafe try AddressHandleHandle.make(address)
        } catch {
            try? address.close()
            throw error
        }
        unsafe handle.pointee.base.context = domain.pointee.context
        unsafe handle.pointee.base.pd = domain
        return unsafe handle.base()
    }
}

/// Destroys an address handle. See ibv_create_ah(3).
@c @implementation
public func ibv_destroy_ah(_ handle: UnsafeMutablePointer<ibv_ah>?) -> CInt {
    returningErrno { () throws(Errno) in
        let handle = unsafe try handle.orInvalid()
        let address: AddressHandle = unsafe handle.object().takeUnretainedValue()
        try address.close()
        unsafe handle.destroy(AddressHandle.self)
    }
}

/// The address of who sent a datagram. See ibv_create_ah_from_wc(3).
@c @implementation
public func ibv_init_ah_from_wc(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ port: UInt8,
    _ completion: UnsafeMutablePointer<ibv_wc>?,
    _ route: UnsafeMutablePointer<ibv_grh>?,
    _ attributes: UnsafeMutablePointer<ibv_ah_attr>?
) -> CInt {
    returningStatus { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        let completion = unsafe try completion.orInvalid().pointee
        let attributes = unsafe try attributes.orInvalid()
        var result = ibv_ah_attr()
        result.dlid = completion.slid
        result.sl = completion.sl
        result.src_path_bits = completion.dlid_path_bits
        result.port_num = port
        if completion.wc_flags & IBV_WC_GRH.rawValue != 0 {
            let route = try unsafe GlobalRoute(unsafe try route.orInvalid())
            guard !route.destination.isMulticast else { throw .invalidArgument }
            guard let index = unsafe context.adapter.gidIndex(of: route.destination) else { throw .invalidArgument }
            result.is_global = 1
            result.grh.dgid = ibv_gid(route.source)
            result.grh.sgid_index = UInt8(clamping: index)
            result.grh.flow_label = route.flowLabel
            result.grh.hop_limit = route.hopLimit
            result.grh.traffic_class = route.trafficClass
        }
        unsafe attributes.pointee = result
    }
}

/// An address handle for who sent a datagram. See ibv_create_ah_from_wc(3).
@c @implementation
public func ibv_create_ah_from_wc(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ completion: UnsafeMutablePointer<ibv_wc>?,
    _ route: UnsafeMutablePointer<ibv_grh>?,
    _ port: UInt8
) -> UnsafeMutablePointer<ibv_ah>? {
    var attributes = ibv_ah_attr()
    guard unsafe ibv_init_ah_from_wc(domain?.pointee.context, port, completion, route, &attributes) == 0 else {
        return nil
    }
    return unsafe ibv_create_ah(domain, &attributes)
}
