package import TallyConsensus
package import TallyPrimitives

/// What a block gives to the randomness: both are zeros when there is nothing.
package struct RevealContribution: Hashable, Sendable {
    /// The next preimage of the builder's chain.
    package var reveal: Hash32
    /// The end of the chain that the builder goes on with.
    package var announced: Hash32

    package init(reveal: Hash32, announced: Hash32) {
        self.reveal = reveal
        self.announced = announced
    }

    package static let none = RevealContribution(reveal: .zero, announced: .zero)
}

/// The chains of one validator: the one that it reveals from, and the one that comes next (SEED-1).
package struct ValidatorChains: Hashable, Sendable {
    /// Steps of a chain.
    package static let length: UInt64 = 1_024
    /// Heights from an announcement to the first reveal.
    package static let delay: UInt64 = 16
    /// A chain lapses when nothing was revealed of it for so many heights.
    package static let patience: UInt64 = 65_536

    /// A chain that may be revealed from.
    package struct Current: Hashable, Sendable {
        /// The validator's chains are numbered from 1 on.
        package var number: UInt64
        package var chain: RevealChain
        /// How many were revealed.
        package var steps: UInt64
        /// Height of the last reveal, or from which on there may be a first.
        package var newest: Height
    }

    /// The end of a chain, in a header.
    package struct Announcement: Hashable, Sendable {
        package var commitment: Hash32
        package var height: Height
    }

    package let validator: Address
    /// How many chains it has announced: the number of the newest.
    package internal(set) var count: UInt64 = 0
    /// Of the newest reveal.
    package internal(set) var current: Current?
    /// Not revealed from yet.
    package internal(set) var announced: Announcement?

    package init(_ validator: Address) { self.validator = validator }

    /// The chain that a block must reveal from; `nil` if there is none (SEED-1, SEED-2).
    package func usable(at height: Height) -> Current? {
        if let announced, height.isAtLeast(Self.delay, after: announced.height) {
            let first = Height(announced.height.value + Self.delay)
            return Current(
                number: count, chain: RevealChain(commitment: announced.commitment), steps: 0,
                newest: first
            ).unlessLapsed(at: height)
        }
        return current?.unlessLapsed(at: height)
    }

    /// The chain announced that cannot be revealed from yet.
    package func pending(at height: Height) -> Announcement? {
        guard let announced, !height.isAtLeast(Self.delay, after: announced.height) else {
            return nil
        }
        return announced
    }

    /// Takes over what a block gives, which was checked.
    mutating func take(_ contribution: RevealContribution, at height: Height) {
        if contribution.reveal != .zero, var chain = usable(at: height) {
            if pending(at: height) == nil { announced = nil }
            chain.chain = RevealChain(commitment: contribution.reveal)
            chain.steps += 1
            chain.newest = height
            current = chain
        }
        if contribution.announced != .zero {
            count += 1
            announced = Announcement(commitment: contribution.announced, height: height)
        }
    }
}

extension ValidatorChains.Current {
    fileprivate func unlessLapsed(at height: Height) -> Self? {
        steps < ValidatorChains.length
            && !height.isAtLeast(ValidatorChains.patience, after: newest) ? self : nil
    }
}

extension Height {
    fileprivate func isAtLeast(_ count: UInt64, after earlier: Height) -> Bool {
        value >= earlier.value && value - earlier.value >= count
    }
}
