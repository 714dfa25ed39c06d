import CVerbs
import Testing

@testable import Verbs

/// What is inlined into programs is laid out in Swift; it must be what C says.
@Suite("Layout")
struct LayoutTests {
    @Test func `requests lie as in C`() {
        #expect(MemoryLayout<RawSendRequest>.size == MemoryLayout<ibv_send_wr>.size)
        #expect(MemoryLayout<RawSendRequest>.stride == MemoryLayout<ibv_send_wr>.stride)
        #expect(MemoryLayout<RawReceiveRequest>.stride == MemoryLayout<ibv_recv_wr>.stride)
        #expect(MemoryLayout<RawElement>.stride == MemoryLayout<ibv_sge>.stride)
        var request = RawSendRequest()
        withUnsafeMutablePointer(to: &request) { pointer in
            pointer.withMemoryRebound(to: ibv_send_wr.self, capacity: 1) { request in
                request.pointee.wr_id = 1
                request.pointee.num_sge = 2
                request.pointee.opcode = IBV_WR_RDMA_READ
                request.pointee.send_flags = 3
                request.pointee.imm_data = 4
                request.pointee.wr.atomic.remote_addr = 5
                request.pointee.wr.atomic.compare_add = 6
                request.pointee.wr.atomic.swap = 7
                request.pointee.wr.atomic.rkey = 8
                request.pointee.bind_mw.mw = UnsafeMutablePointer(bitPattern: 16)
                request.pointee.bind_mw.rkey = 9
                request.pointee.bind_mw.bind_info.mr = UnsafeMutablePointer(bitPattern: 32)
                request.pointee.bind_mw.bind_info.addr = 10
                request.pointee.bind_mw.bind_info.length = 11
                request.pointee.bind_mw.bind_info.mw_access_flags = 12
                request.pointee.next = UnsafeMutablePointer(bitPattern: 48)
                request.pointee.sg_list = UnsafeMutablePointer(bitPattern: 64)
            }
        }
        #expect(request.id == 1 && request.elementCount == 2 && request.opcode == 4 && request.flags == 3)
        #expect(request.immediate == 4 && request.word0 == 5 && request.word1 == 6 && request.word2 == 7)
        #expect(request.word3 == 8 && request.bind.rKey == 9 && request.bind.address == 10)
        #expect(request.bind.byteCount == 11 && request.bind.access == 12)
        #expect(UInt(bitPattern: request.bind.window) == 16 && UInt(bitPattern: request.bind.region) == 32)
        #expect(UInt(bitPattern: request.next) == 48 && UInt(bitPattern: request.elements) == 64)
    }

    @Test func `the address of a datagram lies as in C`() {
        var request = ibv_send_wr()
        request.wr.ud.ah = UnsafeMutablePointer(bitPattern: 16)
        request.wr.ud.remote_qpn = 17
        request.wr.ud.remote_qkey = 18
        let raw = unsafeBitCast(request, to: RawSendRequest.self)
        #expect(raw.word0 == 16 && raw.word1 == RawSendRequest.word(17, 18))
        var write = ibv_send_wr()
        write.wr.rdma.remote_addr = 19
        write.wr.rdma.rkey = 20
        let rawWrite = unsafeBitCast(write, to: RawSendRequest.self)
        #expect(rawWrite.word0 == 19 && UInt32(truncatingIfNeeded: rawWrite.word1) == 20)
    }

    @Test func `a completion lies as in C`() {
        #expect(MemoryLayout<WorkCompletion>.stride == MemoryLayout<ibv_wc>.stride)
        #expect(MemoryLayout<WorkCompletion>.size == MemoryLayout<ibv_wc>.size)
        var completion = ibv_wc()
        completion.wr_id = 1
        completion.status = IBV_WC_RETRY_EXC_ERR
        completion.opcode = IBV_WC_RECV
        completion.vendor_err = 2
        completion.byte_len = 3
        completion.imm_data = UInt32(4).bigEndian
        completion.qp_num = 5
        completion.src_qp = 6
        completion.wc_flags = IBV_WC_WITH_IMM.rawValue | IBV_WC_GRH.rawValue
        let swift = unsafeBitCast(completion, to: WorkCompletion.self)
        #expect(swift.id == 1 && swift.status == .retryExceeded && swift.isReceive && swift.vendorError == 2)
        #expect(swift.byteCount == 3 && swift.immediate == 4 && swift.qpn.rawValue == 5)
        #expect(swift.sourceQPN.rawValue == 6 && swift.hasGlobalRouteHeader && !swift.isSuccess)
    }

    @Test func `numbers are those of C`() {
        #expect(SendOptions.fence.rawValue == IBV_SEND_FENCE.rawValue)
        #expect(SendOptions.signaled.rawValue == IBV_SEND_SIGNALED.rawValue)
        #expect(SendOptions.solicited.rawValue == IBV_SEND_SOLICITED.rawValue)
        #expect(SendOptions.inline.rawValue == IBV_SEND_INLINE.rawValue)
        let opcodes = [
            (RawOpcode.write, IBV_WR_RDMA_WRITE), (RawOpcode.writeWithImmediate, IBV_WR_RDMA_WRITE_WITH_IMM),
            (RawOpcode.send, IBV_WR_SEND), (RawOpcode.sendWithImmediate, IBV_WR_SEND_WITH_IMM),
            (RawOpcode.read, IBV_WR_RDMA_READ), (RawOpcode.compareAndSwap, IBV_WR_ATOMIC_CMP_AND_SWP),
            (RawOpcode.fetchAndAdd, IBV_WR_ATOMIC_FETCH_AND_ADD), (RawOpcode.localInvalidate, IBV_WR_LOCAL_INV),
            (RawOpcode.bindWindow, IBV_WR_BIND_MW), (RawOpcode.sendWithInvalidate, IBV_WR_SEND_WITH_INV),
        ]
        #expect(opcodes.allSatisfy { $0.0 == $0.1.rawValue })
    }
}
