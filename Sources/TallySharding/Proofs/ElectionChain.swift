package import TallyConsensus
import TallyExecution
package import TallyPrimitives

/// Why headers with seals do not lead from the genesis to a later set.
package enum ElectionChainError: Error, Hashable, Sendable, CustomStringConvertible {
    case otherChain(Hash32)
    /// Not above the one before.
    case order(Height)
    /// The header carries no set, one of another hash than it names, or the one before once more.
    case noElection(Height)
    case tooFewSeals(Height, power: UInt64, quorum: UInt64)

    package var description: String {
        switch self {
        case .otherChain(let chain): "an election of the chain \(chain), which is another"
        case .order(let height): "the election of height \(height) is out of order"
        case .noElection(let height): "the header of height \(height) fixes no other set"
        case .tooFewSeals(let height, let power, let quorum):
            "the election of height \(height) is sealed by power \(power) of the \(quorum) that "
                + "it takes"
        }
    }
}

/// The sets of validators from the genesis on, for who was not there: each later one stands in a
/// header that the set before sealed (PROOF-18).
package struct ElectionChain: Sendable {
    package private(set) var schedule: ValidatorSchedule
    private let identity: ChainIdentity
    private var last = Height.genesis

    package init(_ genesis: Genesis) {
        schedule = ValidatorSchedule(genesis)
        identity = ChainIdentity(genesis: genesis.hash, chainID: genesis.parameters.chainID)
    }

    /// Takes the next election.
    /// - Complexity: one recovery a seal.
    package mutating func append(
        _ header: BeaconHeader, _ certificate: FinalCertificate
    ) throws(ElectionChainError) {
        let height = header.height
        guard header.chain == identity.genesis else { throw .otherChain(header.chain) }
        guard height > last else { throw .order(height) }
        guard let set = header.newValidators, set.hash == header.validators,
            set.hash != schedule.last.hash
        else { throw .noElection(height) }
        let power = power(of: certificate, sealing: header)
        let quorum = schedule[height].quorum
        guard power >= quorum else { throw .tooFewSeals(height, power: power, quorum: quorum) }
        schedule.append(header)
        last = height
    }

    /// The power of Set(height) that sealed a header; 0 for a certificate of another one.
    package func power(
        of certificate: FinalCertificate, sealing header: BeaconHeader
    ) -> UInt64 {
        guard certificate.height == header.height, certificate.digest == header.hash else {
            return 0
        }
        return certificate.power(in: schedule[header.height], identity, RecoverableScheme())
    }
}
