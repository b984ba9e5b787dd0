package import TallyConsensus
import TallyCrypto
import TallyExecution
package import TallyPrimitives
package import TallySharding

/// What decided headers make of the randomness, written a second time, from the headers alone
/// (`Specs/randomness.md`).
package struct RandomnessModel: Sendable {
    /// One chain: its end as it was announced, and what was revealed of it, in order.
    private struct Chain {
        let announced: UInt64
        var newest: Hash32
        var revealed: [UInt64] = []
    }

    private var mix: Hash32
    private(set) var seeds: [Hash32] = []
    private var revealers: Set<Address> = []
    private var chains: [Address: [Chain]] = [:]

    package init(genesis: Hash32) { mix = genesis }

    /// Takes the next decided header.
    /// - Parameters:
    ///   - set: of its height.
    ///   - beacon: after the block.
    package mutating func check(
        _ header: BeaconHeader, _ set: ValidatorSet, beacon: BeaconCore
    ) throws(ModelViolation) {
        let builder = header.proposer
        let height = header.height.value
        var own = chains[builder] ?? []
        // SEED-1: the newest of those that were announced 16 heights ago or earlier.
        let place = own.lastIndex { $0.announced + 16 <= height }
        let isUsable =
            place.map { place in
                let last = own[place].revealed.last ?? own[place].announced + 16
                return own[place].revealed.count < 1_024 && height < last + 65_536
            } ?? false
        guard isUsable == (header.reveal != .zero) else { throw .randomness("reveal") }
        if let place, isUsable {
            guard RevealChain.step(header.reveal) == own[place].newest else {
                throw .randomness("preimage")
            }
            own[place].newest = header.reveal
            own[place].revealed.append(height)
            own.removeFirst(place)
            mix = SHA256.hash(.randomnessMix, mix.bytes + header.reveal.bytes)
            revealers.insert(builder)
        }
        if header.announced != .zero {
            // One that was not used takes no part any more.
            own.removeAll { $0.revealed.isEmpty && $0.announced + 16 > height }
            own.append(Chain(announced: height, newest: header.announced))
        }
        chains[builder] = own
        // SEED-4
        var power: UInt64 = 0
        for member in set.validators where revealers.contains(member.address) {
            power += member.power
        }
        if power > (set.totalPower - 1) / 3 {
            seeds.append(mix)
            revealers = []
        }
        try compare(header, beacon)
    }

    private func compare(
        _ header: BeaconHeader, _ beacon: BeaconCore
    ) throws(ModelViolation) {
        guard beacon.randomness.mix.value == mix else { throw .randomness("mix") }
        let seed = beacon.view.seed
        guard seed.number == UInt64(seeds.count), seed.value == seeds.last ?? .zero else {
            throw .randomness("seed")
        }
        guard header.randomness == beacon.randomness.hash else { throw .randomness("state") }
    }
}
