/// When a client stops waiting, by the loops' clock.
struct Deadline: Equatable, Sendable {
    /// Of a client that does not say.
    static let never = Deadline(nanoseconds: .max)

    private let nanoseconds: UInt64

    private init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// - Parameters:
    ///   - began: when its loop learned of the request, or when its call began.
    ///   - patience: how many nanoseconds longer the client waits.
    init(began: UInt64, patience: UInt64) {
        let (sum, overflows) = began.addingReportingOverflow(patience)
        nanoseconds = overflows ? .max : sum
    }

    /// Reads the clock only where there is a deadline.
    var hasPassed: Bool { nanoseconds != .max && hasPassed(by: Inquiry.now()) }

    func hasPassed(by now: UInt64) -> Bool { now >= nanoseconds }
}

/// How long a client still waits, as a field of its request says.
enum Patience: Equatable {
    case unlimited
    case nanoseconds(UInt64)
    case malformed

    /// `x-lodestore-deadline-ms`: a decimal of up to nine digits, and up to six behind a point: `20`, `2.5`.
    init(milliseconds text: RawSpan) {
        self = .malformed
        var nanoseconds: UInt64 = 0
        var digitCount = 0
        // What one more digit is worth, once the point has been passed.
        var fraction: UInt64 = 0
        for index in 0..<text.byteCount {
            let byte = unsafe text.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            let digit = UInt64(byte &- UInt8(ascii: "0"))
            if byte == UInt8(ascii: "."), fraction == 0, digitCount > 0 {
                fraction = 1_000_000
            } else if digit < 10, fraction == 0, digitCount < 9 {
                nanoseconds = nanoseconds * 10 + digit * 1_000_000
                digitCount += 1
            } else if digit < 10, fraction >= 10 {
                fraction /= 10
                nanoseconds += digit * fraction
            } else {
                return
            }
        }
        if digitCount > 0 { self = .nanoseconds(nanoseconds) }
    }

    /// `grpc-timeout`: up to eight digits and a unit.
    ///
    /// Source: "gRPC over HTTP2", Timeout.
    init(timeout text: String) {
        // text: a unit with a mark behind it is no unit
        let units: [Character: UInt64] = [
            "n": 1, "u": 1_000, "m": 1_000_000, "S": 1_000_000_000, "M": 60_000_000_000, "H": 3_600_000_000_000,
        ]
        let digits = text.dropLast()
        guard let unit = text.last.flatMap({ units[$0] }), (1...8).contains(digits.count),
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let count = UInt64(digits)
        else {
            self = .malformed
            return
        }
        let (product, overflows) = count.multipliedReportingOverflow(by: unit)
        self = overflows ? .unlimited : .nanoseconds(product)
    }

    /// - Parameter began: when its loop learned of the request, or when its call began.
    /// - Returns: nil for a field that says nothing.
    func deadline(from began: UInt64) -> Deadline? {
        switch self {
        case .unlimited: .never
        case .nanoseconds(let nanoseconds): Deadline(began: began, patience: nanoseconds)
        case .malformed: nil
        }
    }
}
