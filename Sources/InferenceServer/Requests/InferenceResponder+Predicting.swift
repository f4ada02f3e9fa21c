import HTTPKernel
import InferenceWire
import NIOCore
import NIOHTTP1
import Names
import Telemetry

/// From a gathered request to its predictions.
extension InferenceResponder {
    func invoke(_ request: GatheredRequest, _ dialect: Dialect) -> Answer {
        let fields = RequestFields(request.head)
        var inquiry = inquiry(request, dialect, fields)
        let overdue = limits.overdue(
            arrived: inquiry.beganNanoseconds, deadline: inquiry.deadline, now: Inquiry.now())
        // Before the signature costs anything; of the models nothing is told.
        if inquiry.owesSignature, let overdue { return refuse(Refusal(overdue), inquiry) }
        if inquiry.owesSignature, inquiry.body.readableBytes <= limits.loopBytes {
            do throws(Refusal) {
                try services.access?.check(inquiry.head, body: inquiry.body)
            } catch {
                return refuse(error, inquiry)
            }
            inquiry.owesSignature = false
        }
        do throws(Refusal) {
            guard fields.patience != .malformed else {
                throw .badField(RequestFields.malformedPatience)
            }
            let slot = try chosenSlot(fields, dialect)
            if let overdue { return refuse(Refusal(overdue), inquiry, slot) }
            return predict(inquiry, fields, slot)
        } catch {
            // Who has not shown that he may ask is told nothing of what is served.
            return inquiry.owesSignature ? refuseElsewhere(error, inquiry) : refuse(error, inquiry)
        }
    }

    private func inquiry(_ request: GatheredRequest, _ dialect: Dialect, _ fields: RequestFields) -> Inquiry {
        let began = request.arrivedNanoseconds
        let isRuntime = if case .runtime = dialect { true } else { false }
        let owesSignature = needsSignature(on: request.connection, isRuntime: isRuntime)
        return Inquiry(
            head: request.head, body: request.body, dialect: dialect, beganNanoseconds: began,
            deadline: fields.patience.deadline(from: began) ?? .never, chargedBytes: request.chargedBytes,
            owesSignature: owesSignature)
    }

    func refuse(_ refusal: Refusal, _ inquiry: Inquiry, _ slot: ModelTable.Slot? = nil) -> Answer {
        let model = slot?.model.withModel { $0.fields } ?? []
        let response = inquiry.dialect.response(for: refusal, model: model)
        return .now(finished(response, .refused(refusal.kind), inquiry, slot))
    }

    // MARK: Choosing the model

    /// The model that the request names, else the default, else the only one.
    private func chosenSlot(_ fields: RequestFields, _ dialect: Dialect) throws(Refusal) -> ModelTable.Slot {
        switch dialect {
        case .container:
            guard !table.isEmpty else { throw Refusal(.unready, .serviceUnavailable, "no model is live") }
            return try slot(named: fields.targetModel ?? defaultModel)
        case .runtime(let call):
            if let refusal = call.refusal { throw refusal }
            guard !table.isEmpty else { throw Refusal(.unready, .serviceUnavailable, "no model is live") }
            let slot = try slot(of: call)
            if let variant = call.targetVariant, Name(variant) != Name(RuntimeCall.variant),
                Name(variant) != Name(slot.version)
            {
                throw Refusal(
                    .model, .badRequest,
                    "Variant \(variant.prefix(200)) of endpoint \(call.endpoint.prefix(200)) not found.")
            }
            return slot
        }
    }

    private func slot(named name: String?) throws(Refusal) -> ModelTable.Slot {
        if let name {
            if let slot = table.slot(named: Name(name)) { return slot }
            let reason = "no model \"\(name.cut(toBytes: 200))\" is live; live are \(table.namesInShort)"
            throw Refusal(.model, .notFound, reason)
        }
        if let slot = table.onlySlot { return slot }
        let reason = "name a model in X-Amzn-SageMaker-Target-Model; live are \(table.namesInShort)"
        throw Refusal(.model, .badRequest, reason)
    }

    /// The target model where the call names one, by its own name or by that of its archive; else the model that the
    /// endpoint is called after; else the default model.
    private func slot(of call: RuntimeCall) throws(Refusal) -> ModelTable.Slot {
        if let target = call.targetModel {
            let name = target.hasBytePrefix("/") ? Substring(target.utf8.dropFirst()) : target[...]
            if let slot = table.slot(named: Name(name)) { return slot }
            let archive = ".tar.gz"
            if name.hasByteSuffix(archive),
                let slot = table.slot(named: Name(Substring(name.utf8.dropLast(archive.utf8.count))))
            {
                return slot
            }
            return try slot(named: target)
        }
        if let slot = table.slot(named: Name(call.endpoint)) { return slot }
        guard let defaultModel, let slot = table.slot(named: Name(defaultModel)) else {
            throw Refusal(.model, .badRequest, "Endpoint \(call.endpoint.prefix(200)) not found.")
        }
        return slot
    }

    // MARK: Predicting

    private func predict(_ inquiry: Inquiry, _ fields: RequestFields, _ slot: ModelTable.Slot) -> Answer {
        if let coding = fields.contentCoding {
            let reason = "Content-Encoding: \(coding.prefix(40)) is not read; send the body as it is"
            return refuse(Refusal(.format, .unsupportedMediaType, reason), inquiry, slot)
        }
        guard let format = fields.rowFormat else {
            let reason = "send text/csv, application/json or application/jsonlines"
            return refuse(Refusal(.format, .unsupportedMediaType, reason), inquiry, slot)
        }
        guard let answering = fields.answerFormat(to: format) else {
            let reason = "text/csv, application/json and application/jsonlines can be had"
            return refuse(Refusal(.format, .notAcceptable, reason), inquiry, slot)
        }
        let head: ResponseHead =
            switch inquiry.dialect {
            case .container: slot.heads[answering]
            case .runtime(let call): call.completed(slot.runtimeHeads[answering])
            }
        let rowLimits = RowLimits(rowCount: limits.rowCount, cellCount: limits.cellCount)
        func readElsewhere() -> Answer {
            answerElsewhere(inquiry, slot) { model, scores, scoring throws(Refusal) in
                let rowCount: Int
                do throws(RowError) {
                    rowCount = try scoring.read(
                        inquiry.body, as: format, for: model, model.signatures[0].schema, limits: rowLimits)
                } catch {
                    throw Self.refusal(error)
                }
                if inquiry.deadline.hasPassed { throw .late }
                return (try scoring.score(for: model, as: answering, head: head, counting: &scores), rowCount)
            }
        }
        guard inquiry.body.readableBytes <= limits.loopBytes else { return readElsewhere() }
        // A slot in the table holds its model; it is let go of on this loop only, after it left the table.
        return slot.model.withModel { model in
            let rowCount: Int
            do throws(RowError) {
                var promptly = rowLimits
                promptly.promptCellCount = limits.loopCells
                rowCount = try scoring.read(
                    inquiry.body, as: format, for: model, slot.signature.schema, limits: promptly)
            } catch {
                if error == .notPrompt { return readElsewhere() }
                return refuse(Self.refusal(error), inquiry, slot)
            }
            guard !limits.isLoopWork(rowCount, of: model) else {
                if inquiry.deadline.hasPassed { return refuse(.late, inquiry, slot) }
                do throws(Refusal) {
                    let response = try scoring.score(
                        for: model, as: answering, head: head, counting: &slot.statistics.scores)
                    return .now(finished(response, .answered(rowCount: rowCount), inquiry, slot))
                } catch {
                    return refuse(error, inquiry, slot)
                }
            }
            let rows = scoring.takeRows(for: model)
            return answerElsewhere(inquiry, slot) { model, scores, scoring throws(Refusal) in
                scoring.put(rows)
                return (try scoring.score(for: model, as: answering, head: head, counting: &scores), rowCount)
            }
        }
    }

    static func refusal(_ error: RowError) -> Refusal {
        let kind: Refusal.Kind = error.isSize ? .size : .rows
        return Refusal(kind, HTTPResponseStatus(statusCode: error.status), error.description)
    }
}
