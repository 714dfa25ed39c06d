/// The messages by which connections are made and ended, and datagram services are found: the communication manager's.
///
/// Specified in IBTA Volume 1, chapter 12; the tables of section 12.6 give the layouts. Each message is a value and knows
/// how it is encoded. What is done upon one is the affair of who keeps a connection's state. LAP and APR, which move a
/// connection to another path, are refused: RoCE has no path migration.
package enum CM {
    /// Size in bytes of every message: what a MAD holds behind its header.
    package static var messageByteCount: Int { MADHeader.datagramByteCount - MADHeader.byteCount }
}
