import InferenceWire
import NIOCore

/// A request for predictions by the Open Inference Protocol on its way through the executor.
struct TensorInquiry: Sendable {
    let body: ByteBuffer
    let wire: TensorWire
    /// When its loop learned of the whole request; nanoseconds of the loops' clock.
    let arrivedNanoseconds: UInt64
    /// When the loop took it up.
    let beganNanoseconds: UInt64
    let deadline: Deadline
    /// Whether its bytes were charged before it was read, and whoever did so gives that back.
    let isCharged: Bool

    /// - Parameter arrived: nil when it is taken up as it comes.
    init(
        body: ByteBuffer, wire: TensorWire, deadline: Deadline, arrived: UInt64? = nil, isCharged: Bool = false
    ) {
        let now = Inquiry.now()
        self.body = body
        self.wire = wire
        self.arrivedNanoseconds = arrived ?? now
        self.beganNanoseconds = now
        self.deadline = deadline
        self.isCharged = isCharged
    }
}
