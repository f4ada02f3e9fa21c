/// Why an executor does not take an image. The sidecar logs it and shows it in its status; what is live stays live.
package struct ImageRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    package static let reasonLimitBytes = 1024

    package enum Code: UInt16, Sendable {
        /// The executor does not read this version of the image format: compile another.
        case imageVersion = 1
        /// The memory is not sealed, has another size, or its content is not valid. Offering it again will not help.
        case invalidImage = 2
        /// The generation is not above every one that the executor has seen.
        case staleGeneration = 3
        /// The executor cannot map or hold more.
        case outOfMemory = 4
        /// The executor is about to end.
        case shuttingDown = 5
        case other = 6
    }

    package let code: Code
    /// A sentence for the operator; cut to 1,024 bytes when sent.
    package let reason: String

    package init(code: Code, reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { reason }
}
