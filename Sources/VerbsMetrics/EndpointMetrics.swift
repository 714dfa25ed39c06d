#if Metrics
public import CoreMetrics
public import Verbs

/// Hands the counts of an endpoint, and the counters that its adapter shows, to a metrics system.
///
/// ```
/// let metrics = EndpointMetrics(endpoint)
/// try await metrics.run(every: .seconds(10))
/// ```
///
/// The labels are `verbs_connections_opened` and so on, and `verbs_adapter_` with the adapter's name of a counter; the device
/// is a dimension.
public final class EndpointMetrics: Sendable {
    private let endpoint: Endpoint
    private let factory: any MetricsFactory

    public init(_ endpoint: Endpoint, factory: any MetricsFactory = MetricsSystem.factory) {
        self.endpoint = endpoint
        self.factory = factory
    }

    /// Hands the numbers over again and again, until the task is cancelled.
    public func run(every period: Duration) async throws {
        while true {
            self.record()
            try await Task.sleep(for: period)
        }
    }

    /// Hands the numbers over once. They are totals, so each is a meter: what falls behind catches up by itself.
    public func record() {
        let dimensions = [("device", self.endpoint.device.name)]
        let own = self.endpoint.statistics.snapshot.named.map { ("verbs_\($0.name)", $0.value) }
        let adapter = self.endpoint.context.counters().map { ("verbs_adapter_\($0.name)", $0.value) }
        for (label, value) in own + adapter {
            self.factory.makeMeter(label: label, dimensions: dimensions).set(Int64(clamping: value))
        }
    }
}
#endif
