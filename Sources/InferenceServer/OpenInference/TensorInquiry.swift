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

    /// - Parameter arrived: nil when it is taken up as it comes.
    init(body: ByteBuffer, wire: TensorWire, deadline: Deadline, arrived: UInt64? = nil) {
        let now = Inquiry.now()
        self.body = body
        self.wire = wire
        self.arrivedNanoseconds = arrived ?? now
        self.beganNanoseconds = now
        self.deadline = deadline
    }
}
