public import TallyPrimitives

/// The door of the family: functions of the reserved address `…c003` (JOB-3).
extension JobOperation {
    /// Understands a call of the door.
    /// - Throws: one reason each; `unknownOperation` for a selector of no function.
    init(_ call: DoorCall) throws(TransactionError) {
        guard let function = JobFunction(selector: call.selector) else {
            throw .unknownOperation(call.door)
        }
        if !function.isPayable { try call.checkNoValue() }
        let arguments = call.arguments
        switch function {
        case .postJob: self = try Self.postJob(call)
        case .placeBid:
            let (order, price) = try CallReader.read(arguments) { (reader) throws(CallError) in
                (try reader.objectID(), try reader.amount())
            }
            guard !price.isZero else { throw .job(.priceZero) }
            self = .placeBid(order: order, price: price, bond: call.value)
        case .topUp:
            let order = try Self.order(arguments)
            guard !call.value.isZero else { throw .job(.nothingToAdd) }
            self = .topUp(order: order, value: call.value)
        case .withdrawBid: self = .withdrawBid(order: try Self.order(arguments))
        case .acceptBid:
            let (order, bid) = try CallReader.read(arguments) { (reader) throws(CallError) in
                (try reader.objectID(), try reader.objectID())
            }
            self = .acceptBid(order: order, bid: bid)
        case .closeOrder: self = .closeOrder(order: try Self.order(arguments))
        case .acceptResult: self = .acceptResult(order: try Self.order(arguments))
        case .dispute: self = .dispute(order: try Self.order(arguments))
        case .settle: self = .settle(order: try Self.order(arguments))
        case .closeLease: self = .closeLease(order: try Self.order(arguments))
        case .deliver:
            let (order, result) = try Self.orderAndWord(arguments)
            self = .deliver(order: order, result: result)
        case .commitVerdict:
            let (order, commitment) = try Self.orderAndWord(arguments)
            self = .commitVerdict(order: order, commitment: commitment)
        case .reveal:
            let (order, answer, salt) = try Self.orderAndWords(arguments)
            self = .reveal(order: order, answer: answer, salt: salt)
        case .revealVerdict:
            let (order, result, salt) = try Self.orderAndWords(arguments)
            self = .revealVerdict(order: order, result: result, salt: salt)
        }
    }

    /// The call data of the operation.
    public var callData: [UInt8] {
        var out = CallWriter(function.selector)
        if let order { out.append(order) }
        switch self {
        case .postJob(let terms, _):
            out.append(UInt64(terms.program.rawValue))
            out.append(UInt64(terms.pricing.rawValue))
            out.append(terms.input)
            out.append(terms.sealed)
            out.append(terms.price)
            out.append(terms.bidsUntil.milliseconds)
            out.append(terms.duration)
            out.appendLast(terms.spec, words: Self.postJobWords)
        case .placeBid(_, let price, _): out.append(price)
        case .acceptBid(_, let bid): out.append(bid)
        case .deliver(_, let word), .commitVerdict(_, let word): out.append(word)
        case .reveal(_, let word, let salt), .revealVerdict(_, let word, let salt):
            out.append(word)
            out.append(salt)
        case .withdrawBid, .closeOrder, .acceptResult, .dispute, .settle, .topUp, .closeLease:
            break
        }
        return out.bytes
    }

    /// The address and value of a transaction that carries the operation.
    public var target: (to: Address, value: Amount) {
        switch self {
        case .postJob(_, let value), .placeBid(_, _, let value), .topUp(_, let value):
            (ReservedAddress.jobs, value)
        case .withdrawBid, .acceptBid, .closeOrder, .deliver, .reveal, .acceptResult, .dispute,
            .commitVerdict, .revealVerdict, .settle, .closeLease:
            (ReservedAddress.jobs, .zero)
        }
    }

    private var function: JobFunction {
        switch self {
        case .postJob: .postJob
        case .placeBid: .placeBid
        case .withdrawBid: .withdrawBid
        case .acceptBid: .acceptBid
        case .closeOrder: .closeOrder
        case .deliver: .deliver
        case .reveal: .reveal
        case .acceptResult: .acceptResult
        case .dispute: .dispute
        case .commitVerdict: .commitVerdict
        case .revealVerdict: .revealVerdict
        case .settle: .settle
        case .topUp: .topUp
        case .closeLease: .closeLease
        }
    }

    private static let postJobWords = 8

    // JOB-2: what no state can make good is refused before it costs anything.
    private static func postJob(_ call: DoorCall) throws(TransactionError) -> JobOperation {
        let raw = try CallReader.read(call.arguments) { (reader) throws(CallError) in
            (
                program: try reader.integer(as: UInt8.self),
                pricing: try reader.integer(as: UInt8.self),
                input: try reader.word(), sealed: try reader.word(), price: try reader.amount(),
                bidsUntil: try reader.integer(), duration: try reader.integer(),
                spec: try reader.lastBytes(words: postJobWords, limit: JobTerms.maximumSpec)
            )
        }
        guard let program = JobProgram(rawValue: raw.program) else {
            throw .job(.unknownProgram(UInt64(raw.program)))
        }
        guard let pricing = JobPricing(rawValue: raw.pricing) else {
            throw .job(.unknownPricing(UInt64(raw.pricing)))
        }
        guard !raw.price.isZero else { throw .job(.priceZero) }
        guard (1...JobTerms.maximumDuration).contains(raw.duration) else {
            throw .job(.durationOutOfRange(limit: JobTerms.maximumDuration))
        }
        guard call.value >= raw.price else {
            throw .job(.escrowTooSmall(escrow: call.value, price: raw.price))
        }
        let terms = JobTerms(
            program: program, pricing: pricing, input: raw.input, sealed: raw.sealed,
            price: raw.price, bidsUntil: BeaconTime(milliseconds: raw.bidsUntil),
            duration: raw.duration, spec: raw.spec)
        return .postJob(terms, escrow: call.value)
    }

    private static func order(
        _ arguments: ArraySlice<UInt8>
    ) throws(TransactionError) -> ObjectID {
        try CallReader.read(arguments) { (reader) throws(CallError) in try reader.objectID() }
    }

    private static func orderAndWord(
        _ arguments: ArraySlice<UInt8>
    ) throws(TransactionError) -> (ObjectID, Hash32) {
        try CallReader.read(arguments) { (reader) throws(CallError) in
            (try reader.objectID(), try reader.word())
        }
    }

    private static func orderAndWords(
        _ arguments: ArraySlice<UInt8>
    ) throws(TransactionError) -> (ObjectID, Hash32, Hash32) {
        try CallReader.read(arguments) { (reader) throws(CallError) in
            (try reader.objectID(), try reader.word(), try reader.word())
        }
    }
}
