package import TallyConsensus
import TallyCrypto
package import TallyExecution
package import TallyPrimitives

/// What the beacon makes of the reveals in its headers, as of a block (SEED-1 to SEED-5).
package struct HeaderRandomness: Hashable, Sendable {
    package internal(set) var mix: RandomnessMix
    /// The newest seed.
    package internal(set) var seed = BeaconSeed.none
    /// Who has revealed since.
    package internal(set) var draw = PendingDraw()
    /// By ascending address: whoever announced a chain.
    package internal(set) var validators: [ValidatorChains] = []

    /// At genesis.
    package init(genesis: Hash32) { mix = RandomnessMix(genesis) }

    init(
        mix: RandomnessMix, seed: BeaconSeed, draw: PendingDraw, validators: [ValidatorChains]
    ) {
        self.mix = mix
        self.seed = seed
        self.draw = draw
        self.validators = validators
    }

    /// What headers commit to (SEED-3).
    /// - Complexity: O(n) with n validators.
    package var hash: Hash32 { SHA256.hash(.randomnessState, encoded) }

    /// The chains of a validator; `nil` if it never announced one.
    package func chains(of validator: Address) -> ValidatorChains? {
        let place = place(of: validator)
        guard place < validators.count, validators[place].validator == validator else { return nil }
        return validators[place]
    }

    private func place(of validator: Address) -> Int {
        var low = 0
        var high = validators.count
        while low < high {
            let middle = (low + high) / 2
            if validators[middle].validator < validator { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Checks what a block reveals (SEED-2).
    package func check(_ reveal: Hash32, by builder: Address, at height: Height) -> AnchorRejection?
    {
        guard let usable = chains(of: builder)?.usable(at: height) else {
            return reveal == .zero ? nil : .unexpectedReveal(builder)
        }
        guard reveal != .zero else { return .revealMissing(builder) }
        var chain = usable.chain
        return chain.reveal(reveal) ? nil : .wrongReveal(builder)
    }

    /// Takes over what a block gives, which was checked.
    /// - Parameter set: that of the block's height.
    package mutating func absorb(
        _ contribution: RevealContribution, by builder: Address, at height: Height,
        _ set: ValidatorSet
    ) {
        guard contribution != .none else { return }
        let place = place(of: builder)
        if place == validators.count || validators[place].validator != builder {
            validators.insert(ValidatorChains(builder), at: place)
        }
        validators[place].take(contribution, at: height)
        guard contribution.reveal != .zero else { return }
        mix.absorb(contribution.reveal)
        draw.revealed(by: builder)
        guard draw.isReady(set) else { return }
        // SEED-4
        seed = BeaconSeed(number: seed.number + 1, value: mix.value)
        draw = PendingDraw()
    }
}
