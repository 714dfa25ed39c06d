import Testing
import Wire

@testable import Transport

@Suite("Connection refusal")
struct ConnectionRefusalTests {
    private static let service = ServiceID(ipProtocol: 6, port: 7174)

    private static func answer(_ question: CM.Message) -> CM.Message? {
        let answer = ConnectionRefusal.answer(
            to: CM.Datagram(transactionID: 77, attributeModifier: 5, message: question)
        )
        // Options of the question are not taken up.
        if let answer { #expect(answer.transactionID == 77 && answer.attributeModifier == 0) }
        return answer?.message
    }

    @Test func `a request for a connection is refused, for want of the service`() {
        let request = CM.REQ(
            localCommunicationID: 0x0102_0304,
            serviceID: Self.service,
            localQPN: QPN(truncating: 9),
            startingPSN: PSN(truncating: 8),
            pathMTUCode: 3,
            primaryPath: CM.Path()
        )
        let expected = CM.REJ(
            localCommunicationID: 0,
            remoteCommunicationID: 0x0102_0304,
            rejected: .req,
            reason: .invalidServiceID
        )
        #expect(Self.answer(.req(request)) == .rej(expected))
    }

    @Test func `a release of a connection that is gone is granted`() {
        let request = CM.DREQ(localCommunicationID: 1, remoteCommunicationID: 2, remoteQPN: QPN(truncating: 3))
        let expected = CM.DREP(localCommunicationID: 2, remoteCommunicationID: 1)
        #expect(Self.answer(.dreq(request)) == .drep(expected))
    }

    @Test func `a service that is not there is not resolved`() {
        let request = CM.SIDRREQ(requestID: 7, serviceID: Self.service)
        let expected = CM.SIDRREP(requestID: 7, status: .serviceIDNotSupported, serviceID: Self.service)
        #expect(Self.answer(.sidrReq(request)) == .sidrRep(expected))
    }

    @Test func `an answer is never answered`() {
        let none = QPN(truncating: 0)
        let rep = CM.REP(
            localCommunicationID: 1,
            remoteCommunicationID: 2,
            localQPN: none,
            startingPSN: PSN(truncating: 0)
        )
        let answers: [CM.Message] = [
            .rep(rep),
            .rtu(CM.RTU(localCommunicationID: 1, remoteCommunicationID: 2)),
            .drep(CM.DREP(localCommunicationID: 1, remoteCommunicationID: 2)),
            .rej(CM.REJ(localCommunicationID: 1, remoteCommunicationID: 2, rejected: .req, reason: .timeout)),
            .sidrRep(CM.SIDRREP(requestID: 7, status: .valid, serviceID: Self.service)),
            .mra(
                CM.MRA(
                    localCommunicationID: 1,
                    remoteCommunicationID: 2,
                    acknowledged: .req,
                    serviceTimeout: CM.ResponseTimeout(truncating: 1)
                )
            ),
        ]
        for answer in answers { #expect(Self.answer(answer) == nil) }
    }
}
