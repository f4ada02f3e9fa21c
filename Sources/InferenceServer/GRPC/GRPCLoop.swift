import NIOCore

/// What all gRPC connections of one event loop share: its account of what they may hold, and one tick a second that ends what takes
/// too long. Lives on its loop.
final class GRPCLoop {
    let models: OpenInferenceLoop
    let limits: GRPCLimits
    /// Seconds since it was made; deadlines are told in these.
    private(set) var now = 0
    private let connectionLimit: Int
    private var connections: [ObjectIdentifier: GRPCConnection] = [:]
    private var streamCount = 0
    private var tick: RepeatedTask?

    /// - Parameter loopCount: each has its share of the connections.
    init(_ models: OpenInferenceLoop, _ limits: GRPCLimits, loopCount: Int) {
        self.models = models
        self.limits = limits
        connectionLimit = max(1, limits.connectionCount / loopCount)
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: models.table.loop)
        tick = models.table.loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            bound.value.passSecond()
        }
    }

    func stop() {
        tick?.cancel()
        tick = nil
    }

    func passSecond() {
        now += 1
        for connection in Array(connections.values) { connection.sweep() }
    }

    // MARK: Connections and calls

    /// - Returns: whether there is room for one more.
    func add(_ connection: GRPCConnection, of channel: any Channel) -> Bool {
        guard connections.count < connectionLimit else { return false }
        connections[ObjectIdentifier(channel)] = connection
        return true
    }

    func remove(_ channel: any Channel) { connections[ObjectIdentifier(channel)] = nil }

    func connection(of channel: any Channel) -> GRPCConnection? { connections[ObjectIdentifier(channel)] }

    func beginStream() { streamCount += 1 }

    func endStream() { streamCount -= 1 }

    /// Takes on a call that has begun, if there is room for one.
    ///
    /// - Parameter isHealth: such calls hold next to nothing, and whoever asks takes no answer for an ill server.
    func admitStream(isHealth: Bool) throws(OpenInferenceRefusal) {
        guard streamCount <= limits.loopStreamCount else {
            throw OpenInferenceRefusal(.busy, "too many calls at once; try again")
        }
        guard isHealth || !models.table.admission.isOverdrawn else {
            throw OpenInferenceRefusal(.busy, "too many answers wait to be taken; try again")
        }
    }

    // MARK: The account

    static let full = OpenInferenceRefusal(.busy, "too many large requests at once; try again")

    /// Takes note of a message that begins. A large one is not waited for when there is no room for what it announces; it takes none
    /// by announcing it.
    ///
    /// - Returns: whether its bytes are to be held as they come. What fits one frame is with the models at once and costs nothing.
    func admit(messageOf byteCount: Int, isWhole: Bool) throws(OpenInferenceRefusal) -> Bool {
        guard byteCount <= limits.messageBytes else {
            throw OpenInferenceRefusal(
                .tooLarge, "a message of \(byteCount) bytes; \(limits.messageBytes) are allowed")
        }
        guard byteCount > models.limits.loopBytes else { return !isWhole }
        guard models.table.admission.hasRoom(bytes: byteCount) else { throw Self.full }
        return true
    }

    /// Takes bytes on, to be given back.
    func hold(bytes: Int) throws(OpenInferenceRefusal) {
        guard models.table.admission.reserve(bytes: bytes) else { throw Self.full }
    }

    /// An answer, until the socket has it. A small one is bounded by how many calls there are, and always has its place.
    func hold(answerOf byteCount: Int) throws(OpenInferenceRefusal) {
        if byteCount > models.limits.loopBytes { return try hold(bytes: byteCount) }
        models.table.admission.owe(bytes: byteCount)
    }

    func giveBack(bytes: Int) {
        if bytes > 0 { models.table.admission.release(bytes: bytes) }
    }
}
