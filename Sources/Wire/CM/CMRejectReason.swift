extension CM {
    /// Why a connection is refused, in a REJ.
    ///
    /// Specified in IBTA Volume 1, section 12.6.7.2. Any number is a reason; those without a name are reserved.
    package struct RejectReason: RawRepresentable, Hashable, Sendable {
        package let rawValue: UInt16

        package init(rawValue: UInt16) {
            self.rawValue = rawValue
        }
    }
}

extension CM.RejectReason {
    package static var noQPAvailable: Self { Self(rawValue: 1) }
    package static var noEECAvailable: Self { Self(rawValue: 2) }
    package static var noResourcesAvailable: Self { Self(rawValue: 3) }
    /// No answer came within the time and the retries that the messages agreed upon.
    package static var timeout: Self { Self(rawValue: 4) }
    package static var unsupportedRequest: Self { Self(rawValue: 5) }
    package static var invalidCommunicationID: Self { Self(rawValue: 6) }
    package static var invalidCommunicationInstance: Self { Self(rawValue: 7) }
    /// Nobody listens at the service ID.
    package static var invalidServiceID: Self { Self(rawValue: 8) }
    package static var invalidTransportServiceType: Self { Self(rawValue: 9) }
    /// The peer believes in a connection that is gone here.
    package static var staleConnection: Self { Self(rawValue: 10) }
    package static var rdcDoesNotExist: Self { Self(rawValue: 11) }
    package static var primaryRemotePortGIDRejected: Self { Self(rawValue: 12) }
    package static var primaryRemotePortLIDRejected: Self { Self(rawValue: 13) }
    package static var invalidPrimarySL: Self { Self(rawValue: 14) }
    package static var invalidPrimaryTrafficClass: Self { Self(rawValue: 15) }
    package static var invalidPrimaryHopLimit: Self { Self(rawValue: 16) }
    package static var invalidPrimaryPacketRate: Self { Self(rawValue: 17) }
    package static var alternateRemotePortGIDRejected: Self { Self(rawValue: 18) }
    package static var alternateRemotePortLIDRejected: Self { Self(rawValue: 19) }
    package static var invalidAlternateSL: Self { Self(rawValue: 20) }
    package static var invalidAlternateTrafficClass: Self { Self(rawValue: 21) }
    package static var invalidAlternateHopLimit: Self { Self(rawValue: 22) }
    package static var invalidAlternatePacketRate: Self { Self(rawValue: 23) }
    /// Ask the manager that the additional information names.
    package static var portAndCMRedirection: Self { Self(rawValue: 24) }
    /// Connect to the port that the additional information names.
    package static var portRedirection: Self { Self(rawValue: 25) }
    package static var invalidPathMTU: Self { Self(rawValue: 26) }
    package static var insufficientResponderResources: Self { Self(rawValue: 27) }
    /// The program said no; its words are in the private data.
    package static var consumerReject: Self { Self(rawValue: 28) }
    package static var rnrRetryCountReject: Self { Self(rawValue: 29) }
    package static var duplicateLocalCommunicationID: Self { Self(rawValue: 30) }
    package static var unsupportedClassVersion: Self { Self(rawValue: 31) }
    package static var invalidPrimaryFlowLabel: Self { Self(rawValue: 32) }
    package static var invalidAlternateFlowLabel: Self { Self(rawValue: 33) }
}
