/// Why layers do not make a network. The file they come from is broken or hostile: it is to be refused.
package enum NetworkError: Error, Hashable, Sendable {
    /// A buffer without a sensible number of columns.
    case width
    /// All buffers together have more than ``Network/maxColumnCount``.
    case tooManyColumns
    /// The layer reads what no layer before it wrote.
    case input(layer: Int)
    /// The layer writes outside a buffer, out of order, or over the row.
    case output(layer: Int)
    /// The layer's constants do not fit its places.
    case shape(layer: Int)
    /// The output was not written.
    case result
}
