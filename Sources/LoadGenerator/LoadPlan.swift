/// What to send, how often, and for how long.
package struct LoadPlan: Sendable {
    package enum Target: Sendable, Equatable {
        /// A name or an address, IPv4 or IPv6, and a port.
        case tcp(host: String, port: UInt16)
        case socket(path: String)
    }

    package let target: Target
    /// One complete HTTP/1.1 request, sent over and over.
    package let request: [UInt8]
    /// Requests a second over all connections; arrivals are evenly spaced and do not wait for answers.
    package let ratePerSecond: Double
    package let connectionCount: Int
    package let duration: Duration
    /// Sent before the measurement at the same rate and not counted.
    package let warmUp: Duration

    package init(
        target: Target, request: [UInt8], ratePerSecond: Double, connectionCount: Int, duration: Duration,
        warmUp: Duration
    ) {
        precondition(ratePerSecond > 0 && connectionCount > 0, "a load has a rate and a connection")
        self.target = target
        self.request = request
        self.ratePerSecond = ratePerSecond
        self.connectionCount = connectionCount
        self.duration = duration
        self.warmUp = warmUp
    }

    /// One request, framed for keep-alive.
    ///
    /// - Parameters:
    ///   - host: of the `Host` field, unless `headers` has one.
    ///   - headers: fields without framing; see ``HeaderField``.
    ///   - body: without one the request states no length.
    package static func request(
        method: String, path: String, host: String, headers: [HeaderField], body: [UInt8]?
    ) -> [UInt8] {
        var head = "\(method) \(path) HTTP/1.1\r\n"
        if !headers.contains(where: { $0.isNamed("host") }) { head += "Host: \(host)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        for field in headers { head += "\(field.name): \(field.value)\r\n" }
        return Array((head + "\r\n").utf8) + (body ?? [])
    }
}
