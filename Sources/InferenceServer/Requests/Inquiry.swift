import HTTPKernel
import NIOCore

/// A request for predictions on its way through the executor.
struct Inquiry: Sendable {
    let head: RequestHead
    let body: ByteBuffer
    let dialect: Dialect
    /// When its loop learned of the whole request; nanoseconds of the loops' clock.
    let beganNanoseconds: UInt64
    let deadline: Deadline
    /// What was taken on of its body, to be given back with its answer; 0 for a request that a loop answers at once.
    var chargedBytes: Int
    /// It has been admitted to the workers' queue, which its answer ends.
    var isAdmitted = false
    /// It has to be signed, and its signature has not been verified yet.
    var owesSignature: Bool

    static func now() -> UInt64 { NIODeadline.now().uptimeNanoseconds }
}
