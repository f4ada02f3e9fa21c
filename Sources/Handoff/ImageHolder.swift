package import Names
package import SealedMemory

/// What serves the images that a ``HandoffListener`` receives.
///
/// Calls come from one control thread at a time and may block it.
package protocol ImageHolder: AnyObject, Sendable {
    /// The versions of the image format that are read here, stated in the hello.
    var imageVersions: [UInt16] { get }

    /// Maps, validates and populates the image, then lets every event loop switch the model to it.
    ///
    /// Returns when every loop has switched. The memory is lent: a mapping outlives it, and the listener keeps it.
    ///
    /// - Throws: a refusal, which the sidecar is told; then nothing has changed here.
    func adopt(_ offer: ImageOffer, memory: borrowing SealedMemory) throws(ImageRefusal)

    /// Lets every loop forget the model, and returns when they have; nothing to do when the name is unknown.
    func retire(model: Name)
}
