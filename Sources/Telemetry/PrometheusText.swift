/// A histogram ready to be written.
package struct HistogramBuckets: Sendable {
    /// Rising.
    package let bounds: [Double]
    /// Of each bucket by itself; one more than bounds.
    package let counts: [UInt64]
    package let sum: Double

    package init(bounds: [Double], counts: [UInt64], sum: Double) {
        precondition(counts.count == bounds.count + 1, "a count for each bucket and one beyond")
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }
}

/// A page of metrics, written family by family: all samples of one follow its head.
///
/// Source: "Exposition formats", Prometheus documentation: text format 0.0.4.
package struct PrometheusText {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package enum Kind: String, Sendable { case counter, gauge, histogram }

    package typealias Labels = [(name: String, value: String)]

    package private(set) var text = ""
    private var family = ""

    package init() {}

    /// Begins a family; what follows is of it until the next begins.
    package mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        family = name
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    package mutating func add(_ value: UInt64, _ labels: Labels = []) { line(family, labels, String(value)) }

    package mutating func add(_ value: Double, _ labels: Labels = []) { line(family, labels, Self.number(value)) }

    package mutating func add(_ histogram: HistogramBuckets, _ labels: Labels = []) {
        var count: UInt64 = 0
        for (index, own) in histogram.counts.enumerated() {
            count &+= own
            let bound = index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
            line(family + "_bucket", labels + [("le", bound)], String(count))
        }
        line(family + "_sum", labels, Self.number(histogram.sum))
        line(family + "_count", labels, String(count))
    }

    private mutating func line(_ name: String, _ labels: Labels, _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for (index, label) in labels.enumerated() {
                text += "\(index > 0 ? "," : "")\(label.name)=\"\(Self.escaped(label.value, quotes: true))\""
            }
            text += "}"
        }
        text += " \(value)\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value.description
    }

    private static func escaped(_ value: String, quotes: Bool) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
