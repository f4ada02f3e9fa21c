import HTTPKernel
import NIOCore

/// A request for predictions on its way through the executor.
struct Inquiry: Sendable {
    let head: RequestHead
    let body: ByteBuffer
    let dialect: Dialect
    /// When the whole request was here; nanoseconds of the loops' clock.
    let beganNanoseconds: UInt64
    let deadline: Deadline
    /// What it was admitted for, to be given back with its answer; 0 for a request that a loop answers at once.
    var chargedBytes: Int
    /// It has to be signed, and its signature has not been verified yet.
    var owesSignature: Bool

    static func now() -> UInt64 { NIODeadline.now().uptimeNanoseconds }
}
