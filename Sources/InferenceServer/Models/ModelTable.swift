import InferenceWire
import NIOCore
import Names

/// The models of one event loop: a plain table that only this loop touches, so that a look-up takes no lock, no atomic and
/// no reference count. What the loop counts lies beside it.
final class ModelTable: @unchecked Sendable {
    // Sendable: everything below `loop` is touched on `loop` only, which each method checks in a debug build.
    let loop: any EventLoop
    var statistics = LoopStatistics()
    /// Of all loops together.
    let admission: Admission
    private var slots: [Slot] = []
    /// The loop's place among the group's.
    private let index: Int
    /// Models that were unloaded: held like the others, but nothing is answered for them until they are loaded again.
    private var parked: [Slot] = []
    private let ended: @Sendable (ModelPointer) -> Void

    /// - Parameter ended: called on the loop for a generation whose last user has gone on every loop; takes the reference.
    init(
        loop: any EventLoop, index: Int, admission: Admission, ended: @escaping @Sendable (ModelPointer) -> Void
    ) {
        self.loop = loop
        self.index = index
        self.admission = admission
        self.ended = ended
    }

    /// One generation on this loop, with the work of it that is on its way elsewhere.
    final class Slot {
        let model: ModelPointer
        let name: Name
        let version: String
        let heads: AnswerHeads
        /// For clients of SageMaker.
        let runtimeHeads: AnswerHeads
        let signature: ModelSignature
        var statistics = ModelStatistics()
        /// What was asked of it on this loop by the Open Inference Protocol.
        var tensorStatistics = InferenceStatistics()
        /// The head of its latest answer with binary tensors; the next one nearly always has the same.
        var binaryHead: BinaryAnswerHead?
        fileprivate var inFlightCount = 0
        fileprivate var isReplaced = false

        fileprivate init(_ model: ModelPointer, loopIndex: Int) {
            self.model = model
            self.name = model.withModel { $0.name }
            self.version = model.withModel { $0.version }
            self.heads = model.withModel { AnswerHeads($0) }
            self.runtimeHeads = model.withModel {
                AnswerHeads($0, fields: [("x-amzn-invoked-production-variant", RuntimeCall.variant)])
            }
            self.signature = model.withModel { $0.signatures[loopIndex] }
        }
    }

    /// The live models by name, for a text that a client reads: the first ten, cut short where they are long, and how many more there
    /// are. So a refusal is about a kilobyte at most; a client of gRPC gives up on 8 KiB.
    var namesInShort: String {
        loop.assertInEventLoop()
        let shown = slots.map(\.name).sorted().prefix(10)
        let text = shown.map { String($0.text.cut(toBytes: 100)) }.joined(separator: ", ")
        return slots.count > shown.count ? "\(text) and \(slots.count - shown.count) more" : text
    }

    var isEmpty: Bool {
        loop.assertInEventLoop()
        return slots.isEmpty
    }

    func slot(named name: Name) -> Slot? {
        loop.assertInEventLoop()
        for slot in slots where slot.name == name { return slot }
        return nil
    }

    /// A copy of what the loop has counted.
    var reading: LoopReading {
        loop.assertInEventLoop()
        return LoopReading(
            statistics: statistics,
            models: slots.map { LoopReading.Model(name: $0.name, version: $0.version, statistics: $0.statistics) })
    }

    /// The only model's slot; nil when there is none or more than one.
    var onlySlot: Slot? {
        loop.assertInEventLoop()
        return slots.count == 1 ? slots[0] : nil
    }

    /// Puts a generation in the place of the one that its name had. From the next request on it is the one that answers.
    func install(_ model: ModelPointer) {
        loop.assertInEventLoop()
        let slot = Slot(model, loopIndex: index)
        if let index = slots.firstIndex(where: { $0.name == slot.name }) {
            let replaced = slots[index]
            slots[index] = slot
            replace(replaced)
        } else if let index = parked.firstIndex(where: { $0.name == slot.name }) {
            let replaced = parked[index]
            parked[index] = slot
            replace(replaced)
        } else {
            slots.append(slot)
        }
    }

    /// Stops answering for a model that is held, or begins again. Both take effect with the next request.
    func setServing(_ isServing: Bool, named name: Name) {
        loop.assertInEventLoop()
        if isServing, let index = parked.firstIndex(where: { $0.name == name }) {
            slots.append(parked.remove(at: index))
        } else if !isServing, let index = slots.firstIndex(where: { $0.name == name }) {
            parked.append(slots.remove(at: index))
        }
    }

    func isParked(_ name: Name) -> Bool {
        loop.assertInEventLoop()
        return parked.contains { $0.name == name }
    }

    /// All models that are held, by name, and whether they are answered for.
    var entries: [(slot: Slot, isServing: Bool)] {
        loop.assertInEventLoop()
        let all = slots.map { (slot: $0, isServing: true) } + parked.map { (slot: $0, isServing: false) }
        return all.sorted { $0.slot.name < $1.slot.name }
    }

    func remove(named name: Name) {
        loop.assertInEventLoop()
        if let index = slots.firstIndex(where: { $0.name == name }) {
            replace(slots.remove(at: index))
        } else if let index = parked.firstIndex(where: { $0.name == name }) {
            replace(parked.remove(at: index))
        }
    }

    /// Work on the generation leaves the loop; it stays mapped until ``end(_:)``.
    func begin(_ slot: Slot) {
        loop.assertInEventLoop()
        slot.inFlightCount += 1
    }

    func end(_ slot: Slot) {
        loop.assertInEventLoop()
        precondition(slot.inFlightCount > 0, "work ends that never began")
        slot.inFlightCount -= 1
        if slot.isReplaced && slot.inFlightCount == 0 { letGo(slot) }
    }

    private func replace(_ slot: Slot) {
        slot.isReplaced = true
        if slot.inFlightCount == 0 { letGo(slot) }
    }

    private func letGo(_ slot: Slot) {
        if slot.model.withModel({ $0.letGo() }) { ended(slot.model) }
    }
}
