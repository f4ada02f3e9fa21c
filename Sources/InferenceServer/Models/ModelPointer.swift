/// The one counted reference to a generation, which all loops share without counting.
///
/// A loop may look through it as long as it has not let go of the generation (``LoadedModel/letGo()``). The reference itself is
/// taken once, after the last loop has let go, on a thread that may unmap: no loop can be the one on which the image goes.
@safe struct ModelPointer: @unchecked Sendable {
    // Sendable: LoadedModel is, and the pointer is never written.
    private let model: Unmanaged<LoadedModel>

    init(retaining model: LoadedModel) { unsafe self.model = Unmanaged.passRetained(model) }

    /// Invariant: the caller's loop, or work that it began, holds the generation.
    func withModel<Result>(_ body: (LoadedModel) -> Result) -> Result {
        unsafe model._withUnsafeGuaranteedRef(body)
    }

    /// Takes the reference; with it the image goes. Once only, by whoever was told that the generation has ended.
    func take() -> LoadedModel { unsafe model.takeRetainedValue() }
}
