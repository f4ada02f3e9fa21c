import NIOCore

/// A request for predictions by the Open Inference Protocol on its way through the executor.
struct TensorInquiry: Sendable {
    let body: ByteBuffer
    let wire: TensorWire
    /// When the whole request was here; nanoseconds of the loops' clock.
    let beganNanoseconds = Inquiry.now()
    let deadline: Deadline
    /// Whether it was taken on as a large request before it was read, and whoever did so gives that back.
    var isAdmitted = false
}
