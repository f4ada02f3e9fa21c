import HTTPKernel
import NIOCore
import Telemetry

/// Requests that are answered by a worker thread, so that no loop is held up.
extension InferenceResponder {
    /// What a worker does for one request: the answer and how many rows it has, with buffers of the worker's own.
    typealias Work = @Sendable (LoadedModel, inout ValueHistogram, LoopScoring) throws(Refusal) -> (Response, Int)

    /// What came of it, on its way back to the loop.
    private struct Result: Sendable {
        var response: Response
        var outcome: Outcome
        var scores = ValueHistogram()
    }

    /// Has a worker make the answer. The generation stays until it has.
    ///
    /// A request that would be one too many, or has waited too long when its turn comes, is refused and costs nobody anything
    /// more: that is how the wait of the others stays bounded.
    func answerElsewhere(_ inquiry: Inquiry, _ slot: ModelTable.Slot, _ work: @escaping Work) -> Answer {
        var inquiry = inquiry
        guard admit(&inquiry) else { return refuse(.shed(Refusal.crowdedReason), inquiry, slot) }
        let (model, limit) = (slot.model, limits.queueNanoseconds)
        return later(inquiry, slot) { [services, inquiry] waited in
            model.withModel { model in
                var scores = ValueHistogram()
                do throws(Refusal) {
                    guard !inquiry.deadline.hasPassed else { throw .late }
                    guard waited <= limit else { throw .shed(Refusal.busyReason) }
                    if inquiry.owesSignature { try services.access?.check(inquiry.head, body: inquiry.body) }
                    let (response, rowCount) = try work(model, &scores, LoopScoring())
                    return Result(response: response, outcome: .answered(rowCount: rowCount), scores: scores)
                } catch {
                    let fields = error.kind == .access ? [] : model.fields
                    return Result(
                        response: inquiry.dialect.response(for: error, model: fields), outcome: .refused(error.kind))
                }
            }
        }
    }

    /// Has a worker verify the signature of a large body, to refuse the request either way.
    func refuseElsewhere(_ refusal: Refusal, _ inquiry: Inquiry) -> Answer {
        var inquiry = inquiry
        guard admit(&inquiry) else { return refuse(.shed(Refusal.crowdedReason), inquiry) }
        return later(inquiry, nil) { [services, inquiry] _ in
            var refusal = refusal
            do throws(Refusal) {
                try services.access?.check(inquiry.head, body: inquiry.body)
            } catch {
                refusal = error
            }
            return Result(response: inquiry.dialect.response(for: refusal), outcome: .refused(refusal.kind))
        }
    }

    /// Takes the request on for a worker; what was charged of a body as it came stays charged.
    private func admit(_ inquiry: inout Inquiry) -> Bool {
        let charge = inquiry.chargedBytes == 0 ? inquiry.body.readableBytes : 0
        guard table.admission.admit(bytes: charge) else { return false }
        inquiry.chargedBytes += charge
        inquiry.isAdmitted = true
        return true
    }

    private func later(
        _ inquiry: Inquiry, _ slot: ModelTable.Slot?, _ work: @escaping @Sendable (_ waited: UInt64) -> Result
    ) -> Answer {
        .later { [self] reply in
            table.elsewhere(slot, on: services.workers, work) { [self] result in
                slot?.statistics.scores.add(result.scores)
                reply.complete(finished(result.response, result.outcome, inquiry, slot))
            }
        }
    }
}
