package import Wire

/// What a host answers to messages of connection management that concern nobody here, so that their sender knows at once
/// and need not wait for its retries.
///
/// Specified in IBTA Volume 1, sections 12.6.7.2 and 12.11.2, and in 12.9 for the release of a connection that is not
/// there. Who listens is not its affair: it is asked when nobody does.
package enum ConnectionRefusal {
    /// The answer, which is as long as the question, or `nil` for what has none: an answer is never answered.
    package static func answer(to question: CM.Datagram) -> CM.Datagram? {
        guard let message = self.answer(to: question.message) else { return nil }
        return CM.Datagram(transactionID: question.transactionID, message: message)
    }

    private static func answer(to question: CM.Message) -> CM.Message? {
        switch question {
        case .req(let request):
            .rej(
                CM.REJ(
                    localCommunicationID: 0,
                    remoteCommunicationID: request.localCommunicationID,
                    rejected: .req,
                    reason: .invalidServiceID
                )
            )
        case .dreq(let request):
            .drep(
                CM.DREP(
                    localCommunicationID: request.remoteCommunicationID,
                    remoteCommunicationID: request.localCommunicationID
                )
            )
        case .sidrReq(let request):
            .sidrRep(
                CM.SIDRREP(requestID: request.requestID, status: .serviceIDNotSupported, serviceID: request.serviceID)
            )
        case .mra, .rej, .rep, .rtu, .drep, .sidrRep: nil
        }
    }
}
