/// Why one request of a load failed, or why the load never started.
package enum LoadError: Error, Equatable, Sendable {
    case badAddress(String)
    case connect(errno: Int32)
    case send(errno: Int32)
    case receive(errno: Int32)
    case closedEarly
    case malformedResponse
}
