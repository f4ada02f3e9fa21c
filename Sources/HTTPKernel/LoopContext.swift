import NIOCore

/// A connection as its loop's context sees it.
protocol LoopConnection: AnyObject {
    var facts: ConnectionFacts { get }
    /// Who it is to the account of descriptors; nil where none is kept.
    var standing: DescriptorAccount.Holder? { get }
    /// Nothing of it is being worked on.
    var isWaiting: Bool { get }
    /// Once a second.
    func sweep(now: Int)
    /// The server stops: no request is begun from now on.
    func beginDraining()
    func cut()
}

/// What all connections of one event loop share: the service, the Date field, and one tick a second that ends what takes too
/// long. No request reads a clock or schedules a timer. Lives on its loop.
final class LoopContext {
    let loop: any EventLoop
    let service: any HTTPService
    let limits: HTTPLimits
    let census: Census
    let shares: ConnectionShares?
    /// Seconds since the context began; deadlines are told in these.
    private(set) var now = 0
    private(set) var dateField: [UInt8]
    /// Every answer ends its connection.
    private(set) var isRetiring = false
    /// No request is begun.
    private(set) var isDraining = false
    private let clock: @Sendable () -> Int
    private let headTicks: Int
    private let bodyTicks: Int
    private let idleTicks: Int
    private var connections: [UInt64: any LoopConnection] = [:]
    private var strangers = StrangerQueue()
    /// Whoever is slow has less time.
    private(set) var isTight = false
    private var tick: RepeatedTask?
    private var round: UInt64?

    /// - Parameter clock: seconds since 1970; passed in for tests.
    init(
        loop: any EventLoop, service: any HTTPService, limits: HTTPLimits, census: Census,
        shares: ConnectionShares? = nil, clock: @escaping @Sendable () -> Int = HTTPDate.now
    ) {
        self.loop = loop
        self.service = service
        self.limits = limits
        self.census = census
        self.shares = shares
        self.clock = clock
        self.headTicks = Self.ticks(limits.headTimeout)
        self.bodyTicks = Self.ticks(limits.bodyTimeout)
        self.idleTicks = Self.ticks(limits.idleTimeout)
        self.dateField = HTTPDate.field(seconds: clock())
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.tick = self.loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            bound.value.passSecond()
        }
    }

    func stop() {
        self.tick?.cancel()
        self.tick = nil
    }

    func passSecond() {
        self.now += 1
        self.dateField = HTTPDate.field(seconds: self.clock())
        self.isTight = self.shares?.memory.isTight ?? false
        for connection in Array(self.connections.values) { connection.sweep(now: self.now) }
    }

    // The tick at which something that begins now is over; at least one whole second from now. The durations are divided once,
    // for each request sets a deadline or two.

    var headDeadline: Int { self.now + self.headTicks }
    var bodyDeadline: Int { self.now + self.bodyTicks }
    var idleDeadline: Int { self.now + self.idleTicks }
    var lingerDeadline: Int { self.now + Self.ticks(HTTPLimits.lingerTimeout) }

    private static func ticks(_ timeout: Duration) -> Int { max(1, Int(timeout.components.seconds)) + 1 }

    /// When this round of a NIO loop began to hand on what has come, to the connections of this server; nanoseconds of
    /// `NIODeadline`'s clock. Such a loop handles all that was ready and then runs tasks, so a task marks the end of the round.
    var roundNanoseconds: UInt64 {
        if let round = self.round { return round }
        let now = NIODeadline.now().uptimeNanoseconds
        self.round = now
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.loop.execute { bound.value.round = nil }
        return now
    }

    func add(_ connection: any LoopConnection) {
        self.connections[connection.facts.id] = connection
        if connection.standing == .stranger { self.strangers.enter(connection.facts.id) }
        if self.isDraining { connection.beginDraining() }
    }

    func remove(_ connection: any LoopConnection) {
        self.connections[connection.facts.id] = nil
        if connection.standing == .stranger { self.strangerLeft() }
        if let standing = connection.standing { self.shares?.descriptors.release(standing) }
    }

    // MARK: Strangers

    /// Finds room for a connection that has been accepted, if need be by cutting the oldest stranger that waits for its client.
    ///
    /// - Returns: its number; nil when it must be turned away.
    func admit() -> UInt64? {
        guard let descriptors = self.shares?.descriptors else { return self.census.enter() }
        guard !descriptors.charge(.stranger) else {
            if let id = self.census.enter() { return id }
            descriptors.release(.stranger)
            return nil
        }
        guard self.cutOldestStranger(), descriptors.charge(.stranger) else { return nil }
        // The channel that was cut leaves the census a little later.
        return self.census.enter(replacing: true)
    }

    private func cutOldestStranger() -> Bool {
        guard let oldest = self.oldestStranger(), let connection = self.connections[oldest] else { return false }
        connection.cut()
        return true
    }

    private func oldestStranger() -> UInt64? {
        let connections = self.connections
        return self.strangers.takeOldest { id in
            guard let connection = connections[id], connection.standing == .stranger else { return .drop }
            return connection.isWaiting ? .take : .spare
        }
    }

    /// A stranger's request was verified; its standing says so by now.
    func promote(_ connection: any LoopConnection) {
        self.shares?.descriptors.promote()
        self.strangerLeft()
    }

    private func strangerLeft() {
        let connections = self.connections
        self.strangers.leave { connections[$0]?.standing == .stranger }
    }

    /// Each connection closes with its next answer; until then idle ones stay, and new ones may come.
    func beginRetiring() { self.isRetiring = true }

    /// Idle connections close; the others close with their answer.
    func beginDraining() {
        self.isRetiring = true
        self.isDraining = true
        for connection in Array(self.connections.values) { connection.beginDraining() }
    }

    /// Cuts what is left, and says how many that were.
    func closeAll() -> Int {
        let left = Array(self.connections.values)
        for connection in left { connection.cut() }
        return left.count
    }
}
