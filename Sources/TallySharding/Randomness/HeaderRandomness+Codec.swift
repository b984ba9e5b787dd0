import TallyConsensus
import TallyExecution
package import TallyPrimitives

/// `[mix, seed number, seed, [builder, …], [[validator, count, current, announced], …]]`, where the
/// last two are empty lists if there is none (SEED-3).
extension HeaderRandomness: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(mix.value)
            out.append(seed.number)
            out.append(seed.value)
            out.list { out in for builder in draw.builders { out.append(builder) } }
            out.list { out in for validator in validators { validator.encode(to: &out) } }
        }
    }

    /// - Throws: `.unknownValue` when addresses do not ascend, or numbers contradict each other.
    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let mix = RandomnessMix(try list.nextFixed())
        let seed = BeaconSeed(number: try list.nextInteger(), value: try list.nextFixed())
        guard seed.number > 0 || seed == .none else { throw .unknownValue(seed.number) }
        var builders = try list.nextList()
        var draw = PendingDraw()
        var last: Address?
        while !builders.isAtEnd {
            let builder: Address = try builders.nextFixed()
            if let last, last >= builder { throw .unknownValue(0) }
            draw.revealed(by: builder)
            last = builder
        }
        var members = try list.nextList()
        var validators: [ValidatorChains] = []
        while !members.isAtEnd {
            let member = try ValidatorChains(from: &members)
            if let last = validators.last, last.validator >= member.validator {
                throw .unknownValue(member.count)
            }
            validators.append(member)
        }
        try list.finish()
        self.init(mix: mix, seed: seed, draw: draw, validators: validators)
    }
}

extension ValidatorChains: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(validator)
            out.append(count)
            out.list { out in
                guard let current else { return }
                out.append(current.number)
                out.append(current.chain.commitment)
                out.append(current.steps)
                out.append(current.newest)
            }
            out.list { out in
                guard let announced else { return }
                out.append(announced.commitment)
                out.append(announced.height)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(try list.nextFixed())
        count = try list.nextInteger()
        var items = try list.nextList()
        if !items.isAtEnd {
            let current = Current(
                number: try items.nextInteger(),
                chain: RevealChain(commitment: try items.nextFixed()),
                steps: try items.nextInteger(), newest: try items.nextHeight())
            guard 1...Self.length ~= current.steps else { throw .unknownValue(current.steps) }
            guard 1...max(1, count) ~= current.number else { throw .unknownValue(current.number) }
            self.current = current
        }
        try items.finish()
        items = try list.nextList()
        if !items.isAtEnd {
            announced = Announcement(
                commitment: try items.nextFixed(), height: try items.nextHeight())
        }
        try items.finish()
        try list.finish()
        guard count > 0, current != nil || announced != nil else { throw .unknownValue(count) }
    }
}
