internal import SystemIO

/// How processes of the same host are reached: what `VERBENA_PATH` asks for.
package enum PathPolicy: Sendable {
    /// Directly where that is possible, else over the wire.
    case auto
    /// Directly, or not at all.
    case direct
    /// Over the wire, as if every peer were on another host.
    case wire

    internal static var fromEnvironment: PathPolicy {
        let value = Environment.value(of: "VERBENA_PATH")
        switch value {
        case nil, "", "auto": return .auto
        case "direct": return .direct
        case "wire": return .wire
        default:
            Diagnostics.warn(
                "VERBENA_PATH is '\(value ?? "")', which is none of auto, direct and wire; taken for auto."
            )
            return .auto
        }
    }
}
