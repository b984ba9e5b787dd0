public import TallyPrimitives

/// What a job runs (JOB-2).
public enum JobProgram: UInt8, Hashable, Sendable, CaseIterable {
    case hashChain = 1
    case matrixProduct = 2
    /// A program of the provider's own allow-list, named by the specification.
    case listed = 3
}

/// How a job is paid for (JOB-2).
public enum JobPricing: UInt8, Hashable, Sendable, CaseIterable {
    /// The accepted price, once, for the result.
    case fixed = 1
    /// The accepted rate for each second.
    case rental = 2
}

/// What a payer asks for.
public struct JobTerms: Hashable, Sendable {
    public let program: JobProgram
    public let pricing: JobPricing
    /// Hash of the specification.
    public let input: Hash32
    /// Commitment of an expected answer, or a random value: nobody can tell which (JOB-15).
    public let sealed: Hash32
    /// Most that is accepted: for the job, or for a second of it.
    public let price: Amount
    /// Bids are placed and accepted before this time.
    public let bidsUntil: BeaconTime
    /// Milliseconds from acceptance until the result is due; longest running time of a rental.
    public let duration: UInt64
    /// What to do, or where to find it: 0 to 512 bytes.
    public let spec: [UInt8]

    /// Most bytes of `spec`.
    public static let maximumSpec = 512
    /// Longest duration and longest time to bid in milliseconds: ten years of 365 days.
    public static let maximumDuration: UInt64 = 315_360_000_000

    public init(
        program: JobProgram, pricing: JobPricing, input: Hash32, sealed: Hash32, price: Amount,
        bidsUntil: BeaconTime, duration: UInt64, spec: [UInt8] = []
    ) {
        self.program = program
        self.pricing = pricing
        self.input = input
        self.sealed = sealed
        self.price = price
        self.bidsUntil = bidsUntil
        self.duration = duration
        self.spec = spec
    }

    /// The same without the specification's bytes: what is kept of a closed order.
    package var withoutSpec: JobTerms {
        JobTerms(
            program: program, pricing: pricing, input: input, sealed: sealed, price: price,
            bidsUntil: bidsUntil, duration: duration)
    }
}

extension JobTerms: RLPValue {
    public func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(program.rawValue)
            out.append(pricing.rawValue)
            out.append(input)
            out.append(sealed)
            out.append(price)
            out.append(bidsUntil)
            out.append(duration)
            out.append(spec)
        }
    }

    public init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            program: try list.nextCase(), pricing: try list.nextCase(),
            input: try list.nextFixed(), sealed: try list.nextFixed(),
            price: try list.nextAmount(), bidsUntil: try list.nextTime(),
            duration: try list.nextInteger(),
            spec: Array(try list.nextString(limit: Self.maximumSpec)))
        try list.finish()
    }
}
