internal import CVerbs

/// Where datagrams go: a peer's address, made ready for the adapter. See ibv_create_ah(3).
public struct AddressHandle: ~Copyable, Sendable {
    internal let handle: AddressReference
    /// The adapter's name of it, as a work request has it.
    @usableFromInline internal let word: UInt64

    /// - Parameters:
    ///   - gid: The peer's.
    ///   - lid: The peer's; 0 on Ethernet.
    ///   - domain: Whose queue pairs may use it.
    ///   - port: Of this device, from 1 on.
    ///   - gidIndex: Which of the own addresses is used; nil for the usual one.
    ///   - options: Of these, the traffic class and the hop limit count.
    public init(
        to gid: GID,
        lid: UInt16 = 0,
        in domain: borrowing ProtectionDomain,
        port: UInt8 = 1,
        gidIndex: Int? = nil,
        _ options: PathOptions = PathOptions()
    ) throws(VerbsError) {
        let index = try domain.handle.context.gidIndex(gidIndex, port: port)
        var attributes = Self.attributes(to: gid, lid: lid, gidIndex: UInt8(clamping: index), port: port, options)
        self.init(try AddressReference(domain.handle, &attributes, detail: "\(gid), port \(port)"))
    }

    internal init(_ handle: AddressReference) {
        self.handle = handle
        self.word = UInt64(UInt(bitPattern: unsafe handle.raw))
    }

    public consuming func close() throws(VerbsError) {
        try self.handle.close()
    }

    internal static func attributes(
        to gid: GID,
        lid: UInt16,
        gidIndex: UInt8,
        port: UInt8,
        _ options: PathOptions
    ) -> ibv_ah_attr {
        var attributes = ibv_ah_attr()
        attributes.grh.dgid = gid.raw
        attributes.grh.sgid_index = gidIndex
        attributes.grh.hop_limit = options.hopLimit
        attributes.grh.traffic_class = options.trafficClass
        attributes.is_global = 1
        attributes.dlid = lid
        attributes.port_num = port
        return attributes
    }
}

/// Holds an address handle.
@safe
internal final class AddressReference {
    let domain: DomainHandle
    // SAFETY: made until `destroyer` has destroyed it.
    let raw: UnsafeMutablePointer<ibv_ah>
    private let destroyer = Destroyer()

    init(_ domain: DomainHandle, _ attributes: inout ibv_ah_attr, detail: String) throws(VerbsError) {
        guard let raw = unsafe domain.context.functions.createHandle(domain.raw, &attributes) else {
            throw .last("ibv_create_ah", detail: detail)
        }
        self.domain = domain
        unsafe self.raw = unsafe raw
    }

    deinit {
        self.destroyer.destroySilently { unsafe self.domain.context.functions.destroyHandle(self.raw) }
    }

    func close() throws(VerbsError) {
        try self.destroyer.destroy("ibv_destroy_ah") { unsafe self.domain.context.functions.destroyHandle(self.raw) }
    }
}

// SAFETY: verbs may be called from any thread.
extension AddressReference: @unchecked Sendable {}
