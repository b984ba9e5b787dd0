package import TallyPrimitives

extension Ibft {
    /// What the surroundings are asked to do, in order.
    package enum Effect: Hashable, Sendable {
        /// To all other validators of the message's height, and whoever follows. Not to ourselves.
        case broadcast(Message)
        case send(Message, to: Address)
        /// Send FINAL of a decided height, from the beacon log (IBFT-R11).
        case sendFinal(Height, to: Address)
        /// Make durable in order and answer `persisted`; nothing of it may be seen before.
        case persist([ConsensusRecord], PersistToken)
        /// A timer of the same name replaces the one before.
        case schedule(Timer, after: Duration)
        /// Answer `built` or `nothingToBuild`.
        case build(BuildRequest)
        /// Answer `validated`.
        case validate(ValidationRequest, ProposedBlock)
        /// Fetch a block by digest and give it as `body`; asked again until it comes.
        case requestBody(BodyRequest)
        /// Fetch FINALs from `from` on, in order; asked again until they come.
        case requestSync(from: Height, through: Height)
        /// The block is final and durable: apply and publish it, then answer `applied`.
        case decide(Decision)
        /// A vote for a decided block that came after the decision (IBFT-R13).
        case lateSeal(Commit)
        /// Somebody can be punished.
        case report(Evidence)
        /// A message was not accepted.
        case refuse(MessageRefusal, from: Address?)
        /// A quorum sealed another block than the one decided here: more than F power is faulty.
        /// Nothing follows any more.
        case halt(Fork)
    }

    /// A block is wanted.
    package struct BuildRequest: Hashable, Sendable {
        package let height: Height
        package let round: Round
        /// Final, or committed to by ourselves when the next height is pipelined (IBFT-P1).
        package let parent: Hash32
        /// Whether a block has to come even if there is no work (IBFT-R18).
        package let isMandatory: Bool

        package init(height: Height, round: Round, parent: Hash32, isMandatory: Bool) {
            self.height = height
            self.round = round
            self.parent = parent
            self.isMandatory = isMandatory
        }
    }

    /// A block is to be judged. Its parent is final.
    package struct ValidationRequest: Hashable, Sendable {
        package let height: Height
        package let digest: Hash32
        /// Whether its time has to stand at or before now plus drift: for fresh blocks only, one
        /// that a quorum prepared passes (IBFT-R15).
        package let checksClock: Bool

        package init(height: Height, digest: Hash32, checksClock: Bool) {
            self.height = height
            self.digest = digest
            self.checksClock = checksClock
        }
    }

    package struct BodyRequest: Hashable, Sendable {
        package let height: Height
        package let digest: Hash32
        /// Who should have it, ascending.
        package let holders: [Address]

        package init(height: Height, digest: Hash32, holders: [Address]) {
            self.height = height
            self.digest = digest
            self.holders = holders
        }
    }

    package struct Decision: Hashable, Sendable {
        package let block: ProposedBlock
        package let certificate: FinalCertificate

        package init(block: ProposedBlock, certificate: FinalCertificate) {
            self.block = block
            self.certificate = certificate
        }

        package var final: Final { Final(certificate: certificate, block: block) }
    }

    /// Two blocks of one height, both final, or one that is not on the final parent: what must not
    /// happen.
    package struct Fork: Hashable, Sendable {
        package let height: Height
        /// Here at this height, or as the parent.
        package let decided: Hash32
        package let other: FinalCertificate

        package init(height: Height, decided: Hash32, other: FinalCertificate) {
            self.height = height
            self.decided = decided
            self.other = other
        }
    }
}
