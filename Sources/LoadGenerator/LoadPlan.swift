/// What to send, how often, and for how long.
package struct LoadPlan: Sendable {
    package enum Target: Sendable, Equatable {
        /// An IPv4 address and a port.
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

    /// A POST of this body, framed for keep-alive.
    package static func post(path: String, host: String, headers: [(String, String)], body: [UInt8]) -> [UInt8] {
        var head = "POST \(path) HTTP/1.1\r\nHost: \(host)\r\nContent-Length: \(body.count)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        return Array((head + "\r\n").utf8) + body
    }
}
