import TallyPrimitives

/// A validator that lost its votes asks where the others are and stays silent until they are past
/// any height at which it may have voted (IBFT-R9).
struct Observation: Hashable, Sendable {
    let nonce: Hash32
    /// Votes only above this height; `nil` until enough others answered.
    var until: Height?
    /// The newest answer of each.
    var answers: [Address: HeadAnswerStatement] = [:]
    var isDurable = false

    init(nonce: Hash32, until: Height?) {
        self.nonce = nonce
        self.until = until
        isDurable = until != nil
    }
}

extension Ibft {
    /// A FINAL with a seal of ours at a height where we remember no COMMIT: we are not new, our votes
    /// are lost (IBFT-R9). Who is alone asks nobody.
    mutating func noticeLoss(by certificate: FinalCertificate) {
        guard isVoting, current.own.committed == nil, current.set.count > 1,
            let place = current.set.index(of: address), certificate.signers.contains(place)
        else { return }
        observation = Observation(nonce: nonce, until: nil)
        observe()
    }

    /// Asks for heads, when the loss itself is durable: a second restart must not forget it.
    mutating func observe() {
        guard let observation, observation.until == nil else { return }
        guard observation.isDurable else {
            self.observation?.isDurable = true
            persist([.observing(nonce: observation.nonce, until: nil)], then: .query)
            return
        }
        // Nobody answers who has no vote to lose, and to ask is an offence.
        if current.set.contains(address) {
            let statement = HeadQueryStatement(height: head.height, nonce: observation.nonce)
            let digest = statement.digest(configuration.chain, validators: .zero)
            let query = HeadQuery(statement, sender: address, signature: signer.sign(digest))
            effects.append(.broadcast(.headQuery(query)))
        }
        effects.append(.schedule(.headQuery, after: configuration.retransmission))
    }

    /// Only who votes itself may say where it is.
    mutating func answer(_ query: HeadQuery) {
        guard current.set.contains(query.sender), mayVote(current) else {
            refuse(.headQuery(query), .unasked)
            return
        }
        let statement = HeadAnswerStatement(
            height: head.height, digest: head.digest, nonce: query.statement.nonce)
        let digest = statement.digest(configuration.chain, validators: .zero)
        let answer = HeadAnswer(statement, sender: address, signature: signer.sign(digest))
        effects.append(.send(.headAnswer(answer), to: query.sender))
    }

    mutating func receive(_ answer: HeadAnswer) {
        guard let observation, observation.until == nil,
            answer.statement.nonce == observation.nonce, isMember(answer.sender)
        else {
            refuse(.headAnswer(answer), .unasked)
            return
        }
        self.observation?.answers[answer.sender] = answer.statement
        learnOfFinal(answer.height, from: answer.sender)
    }

    /// Of one of the open heights.
    private func isMember(_ address: Address) -> Bool {
        current.set.contains(address) || next?.set.contains(address) ?? false
    }

    /// A head counts once we hold the FINAL of its height ourselves: a claim proves nothing. Those who
    /// answered are counted in the set of the height at which the silence ends (IBFT-R9).
    mutating func endObservation() {
        guard let observation, observation.until == nil else { return }
        let proven = observation.answers.filter { _, answer in
            let decided = recent[answer.height]?.digest ?? answer.digest
            return answer.height <= head.height && answer.digest == decided
        }
        guard let highest = proven.values.map(\.height).max() else { return }
        let until = highest.next.next
        guard let set = sets[until], set.power(of: proven.keys) >= set.quorum else { return }
        self.observation?.until = until
        persist([.observing(nonce: observation.nonce, until: until)], then: .observed)
    }
}
