import TallyCrypto
package import TallyPrimitives
package import TallyTransactions

extension JobOrder {
    /// A later time; the last one there is when it would be later.
    static func time(_ time: BeaconTime, plus milliseconds: UInt64) -> BeaconTime {
        let (sum, overflow) = time.milliseconds.addingReportingOverflow(milliseconds)
        return BeaconTime(milliseconds: overflow ? .max : sum)
    }

    /// From one look for a seed to the next (JOB-14).
    static let drawMilliseconds: UInt64 = 1_000

    /// When something is due of the order next; `nil` when nothing ever is (JOB-6).
    func deadline(now: BeaconTime, _ rule: JobRule) -> BeaconTime? {
        switch state {
        case .open: return terms.bidsUntil
        case .closed: return nil
        case .active(let lease):
            switch lease.state {
            case .working(let deadline): return deadline
            case .renting(let meter):
                return meter.end(rate: lease.price, escrow: escrow, limit: terms.duration)
            case .insufficientFunds(let meter):
                return Self.time(meter.since, plus: terms.duration)
            case .delivered(let delivery):
                switch delivery.check {
                case .unsampled, .disputed: return Self.time(now, plus: Self.drawMilliseconds)
                case .passed: return delivery.disputableUntil
                case .voting(let vote): return vote.end(rule)
                }
            }
        }
    }

    /// Due entries that the order may still need at once (JOB-20): timers that no deadline is at
    /// hand for yet, and payouts to other shards.
    func reserved(_ rule: JobRule) -> Int {
        switch state {
        case .open, .closed: return 0
        case .active(let lease):
            switch lease.state {
            // The timers of a delivery and of a dispute, the earnings.
            case .working: return 3
            case .renting: return 1
            case .insufficientFunds: return 0
            case .delivered(let delivery):
                switch delivery.check {
                // The timer of a dispute, the earnings.
                case .unsampled, .passed: return 2
                case .disputed: return 1 + Int(rule.arbiters)
                case .voting(let vote):
                    switch vote.cause {
                    case .sample: return 2
                    case .dispute: return 1 + Int(rule.arbiters)
                    }
                }
            }
        }
    }

    /// What a bidder deposits: ⌈cost · bondBps / 10^4⌉, where the cost is the price, or the rate for
    /// the whole duration, not rounded (JOB-9). `nil` if that cost exceeds 2^128 − 1.
    package static func bond(_ price: Amount, _ terms: JobTerms, _ rule: JobRule) -> Amount? {
        let (factor, scale): (UInt128, UInt128) =
            switch terms.pricing {
            case .fixed: (1, 1)
            case .rental: (UInt128(terms.duration), 1_000)
            }
        guard price.scaled(by: factor, over: scale) != nil,
            let product = UInt256(product: price.units, factor)
                .multiplied(by: UInt128(rule.bondBps)),
            let (quotient, rest) = product.divided(by: scale * 10_000),
            let bond = quotient.narrowed
        else { return nil }
        return Amount(bond).adding(Amount(rest == 0 ? 0 : 1))
    }

    /// What a payer seals: with a random salt it tells nothing (JOB-15).
    package static func seal(answer: Hash32, salt: Hash32) -> Hash32 {
        SHA256.hash(.jobSeal) {
            $0.update(answer)
            $0.update(salt)
        }
    }

    /// What an arbiter commits to: nobody can take it over, since it names the arbiter (JOB-17).
    package static func verdict(
        order: ObjectID, arbiter: Address, result: Hash32, salt: Hash32
    ) -> Hash32 {
        SHA256.hash(.jobVerdict) {
            $0.update(order.word)
            $0.update(arbiter)
            $0.update(result)
            $0.update(salt)
        }
    }

    /// Whether a seed draws the order's result to be executed again (JOB-14).
    static func isSampled(_ order: ObjectID, seed: Hash32, _ rule: JobRule) -> Bool {
        let words = SHA256.hash(.jobSample) {
            $0.update(seed)
            $0.update(order.word)
        }.words
        // The whole hash as a number, mod 10^4: the words' remainders, most significant first.
        let remainder = [words.0, words.1, words.2, words.3].reduce(UInt128(0)) {
            ($0 << 64 | UInt128($1)) % 10_000
        }
        return remainder < UInt128(rule.sampleBps)
    }
}

extension JobVote {
    /// Before it arbiters commit, from it on they reveal.
    package func middle(_ rule: JobRule) -> BeaconTime {
        JobOrder.time(began, plus: rule.arbitrationMilliseconds / 2)
    }

    package func end(_ rule: JobRule) -> BeaconTime {
        JobOrder.time(began, plus: rule.arbitrationMilliseconds)
    }

    /// The result that more than half of all drawn revealed, and who they are (JOB-18).
    var majority: (result: Hash32, arbiters: [Address])? {
        var counted: [(result: Hash32, arbiters: [Address])] = []
        for ballot in ballots {
            guard case .revealed(let result) = ballot.vote else { continue }
            if let place = counted.firstIndex(where: { $0.result == result }) {
                counted[place].arbiters.append(ballot.arbiter)
            } else {
                counted.append((result, [ballot.arbiter]))
            }
        }
        return counted.first { 2 * $0.arbiters.count > ballots.count }
    }
}
