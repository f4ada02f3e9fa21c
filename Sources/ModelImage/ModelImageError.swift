/// Why bytes are not taken as an image. The image is refused; whatever is live stays live.
package enum ModelImageError: Error, Hashable, Sendable {
    /// Shorter than a header, or not of the length that the header states.
    case length(stated: UInt64, found: Int)
    /// The bytes do not lie at a multiple of eight.
    case misaligned
    case magic
    case version(UInt16)
    /// A field of the header that has no meaning or does not fit the others: its offset.
    case header(offset: Int)
    /// A section outside the image, out of place, of an impossible length, or at odds with those that it is derived from: its
    /// number.
    case section(Int)
    /// Texts that are cut short or no UTF-8.
    case texts
    /// The thresholds of a feature.
    case feature(Int)
    case slot(Int)
    case tree(Int)
    /// A word that leads outside its tree, back, or to a slot or rank that is not there.
    case word(tree: Int, index: Int)
    case categorySet(Int)
    /// The tables of names and categories: which, counted from 0; -1 for all of them.
    case textTable(Int)
    /// A layer that reads or writes out of place, or whose constants do not fit.
    case layer(Int)
    /// A buffer of a network.
    case buffer(Int)
    /// What is computed from a row: which projection, counted from 0; -1 for the sections as a whole.
    case projection(Int)
}
