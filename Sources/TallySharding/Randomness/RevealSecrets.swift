import TallyConsensus
package import TallyCrypto
package import TallyPrimitives

/// What a validator makes its chains from. It remembers nothing that the state does not say: chain n
/// has always the same values, and where it stands is found there, also after a restart.
package struct RevealSecrets: Sendable {
    /// Announces the next chain when so few steps are left: each block of its own takes one, so there
    /// are some left at a + 16 (SEED-1).
    private static let reserve = ValidatorChains.delay

    private let secret: Hash32
    /// Of the chain in use, and of the one announced: by steps from its secret on.
    private var chains: [(number: UInt64, values: [Hash32])] = []

    /// - Parameter secret: nobody else knows it.
    package init(secret: Hash32) { self.secret = secret }

    /// Those of a node: whoever learns them learns nothing of the key, and another chain's are others.
    package init(_ key: PrivateKey, genesis: Hash32) {
        secret = SHA256.hash(.randomnessSecret) {
            $0.update(key.exportBytes())
            $0.update(genesis)
        }
    }

    /// What the next block of a validator has to give.
    ///
    /// A chain of somebody else's making, with the same key and another secret, cannot be revealed
    /// from: the block is refused as long as it is to be, and afterwards a new chain is announced.
    /// - Complexity: O(1), but for the first block on a chain and its announcement.
    package mutating func contribution(
        to randomness: HeaderRandomness, of builder: Address, at height: Height
    ) -> RevealContribution {
        let state = randomness.chains(of: builder)
        let count = state?.count ?? 0
        var contribution = RevealContribution.none
        var isEnough = false
        if let usable = state?.usable(at: height), usable.steps < ValidatorChains.length {
            let values = values(of: usable.number)
            let place = Int(ValidatorChains.length - usable.steps)
            if values[place] == usable.chain.commitment {
                contribution.reveal = values[place - 1]
                isEnough = place - 1 > Self.reserve
            }
        }
        if let pending = state?.pending(at: height) {
            isEnough = values(of: count).last == pending.commitment
        }
        if !isEnough { contribution.announced = values(of: count + 1).last ?? .zero }
        return contribution
    }

    /// secret_n, its successor, …, the commitment.
    private mutating func values(of number: UInt64) -> [Hash32] {
        if let known = chains.first(where: { $0.number == number }) { return known.values }
        let first = SHA256.hash(.randomnessSecret) {
            $0.update(secret)
            $0.update(number)
        }
        var values = [first]
        values.reserveCapacity(Int(ValidatorChains.length) + 1)
        for step in 0..<Int(ValidatorChains.length) {
            values.append(RevealChain.step(values[step]))
        }
        if chains.count == 2 { chains.removeFirst() }
        chains.append((number, values))
        return values
    }
}

extension RevealSecrets: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "RevealSecrets(redacted)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
