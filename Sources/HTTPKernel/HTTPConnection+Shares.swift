import NIOCore

/// What the connection takes of the server's accounts, and the client that takes too little of its answers.
extension HTTPConnection {
    /// Nothing of it is being worked on: it waits for its client to begin, to go on with a head, or to end a refused body.
    var isWaiting: Bool {
        // Its request was verified since anybody looked.
        guard !self.facts.isVerified else { return false }
        return switch self.phase {
        case .awaitingHead, .discarding, .closing: true
        case .gathering, .awaitingReply, .streaming, .closed: false
        }
    }

    /// Takes notice of a signature that the service has verified.
    func noteStanding() {
        guard self.standing == .stranger, self.facts.isVerified else { return }
        self.standing = .signer
        self.shared.promote(self)
    }

    // MARK: Heads

    /// Charges a head that is not whole yet. Refuses the request when there is no room for it.
    func chargeHead(_ bytes: Int) {
        guard let memory = self.shared.shares?.memory, bytes > HTTPLimits.freeHeadBytes, bytes > self.headCharge.bytes
        else { return }
        self.giveBackHead()
        let purpose: MemoryAccount.Purpose = self.standing == .signer ? .need : .stranger
        guard memory.charge(bytes, for: purpose) else { return self.refuse(.noRoom) }
        self.headCharge = (bytes, purpose)
    }

    func giveBackHead() {
        guard self.headCharge.bytes > 0 else { return }
        self.shared.shares?.memory.release(self.headCharge.bytes, for: self.headCharge.purpose)
        self.headCharge.bytes = 0
    }

    // MARK: Answers

    /// Cuts a client that takes too little of what waits for it, and says to whoever writes that it takes nothing.
    func watchOutput(now: Int) {
        let waiting =
            (try? self.context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        guard waiting > 0 else {
            self.takenWindow = nil
            return self.giveBackOutput()
        }
        let taken = self.handedBytes &- UInt64(waiting)
        guard let window = self.takenWindow else {
            self.takenWindow = (now, taken)
            self.takenBytes = taken
            return self.chargeOutput(waiting)
        }
        if taken == self.takenBytes, case .streaming(let exchange) = self.phase { exchange.output.noteStall() }
        self.takenBytes = taken
        let limits = self.shared.limits
        let patience = Int(limits.writeTimeout.components.seconds) / (self.shared.isTight ? 4 : 1)
        // Signed: over TLS what waits is counted with what TLS adds, and what was handed on without.
        if Int64(bitPattern: taken &- window.bytes) >= Int64(limits.writeWindowBytes) {
            self.takenWindow = (now, taken)
        } else if now - window.tick > patience {
            return self.cut()
        }
        self.chargeOutput(waiting)
    }

    /// Bytes of answers that wait behind a request that is done belong to nobody's share but this.
    private func chargeOutput(_ waiting: Int) {
        if case .streaming = self.phase { return self.giveBackOutput() }
        guard let memory = self.shared.shares?.memory else { return }
        self.giveBackOutput()
        guard waiting > HTTPLimits.freeOutputBytes else { return }
        guard memory.charge(waiting, for: .need) else { return self.cut() }
        self.outputChargeBytes = waiting
    }

    func giveBackOutput() {
        guard self.outputChargeBytes > 0 else { return }
        self.shared.shares?.memory.release(self.outputChargeBytes, for: .need)
        self.outputChargeBytes = 0
    }
}
