import TallyExecution
package import TallyPrimitives
package import TallySharding
import TallyTransactions

/// What the events of an economy and its rules do not agree on.
package struct EconomyViolation: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Subject: String, Hashable, Sendable, CaseIterable {
        case payout, nodeStake, penalty, reward, round, job, trade, roleStake, epoch
    }

    package let endpoint: EndpointID
    package let subject: Subject
    package let detail: String

    package var description: String { "\(subject.rawValue) on \(endpoint): \(detail)" }
}

/// Follows the money of an economy by what decided blocks say happened, and nothing else (SIM-44):
/// stakes, penalties, rounds, rewards, escrows, bonds, trades, epochs. Each amount is computed once
/// more from the rules and the events before it, each event has to be due, and each payment has to
/// be promised by one; objects hold what the events leave.
///
/// What it takes without asking: times of blocks, the drawing of arbiters and attesters as long as
/// they are validators, and that operations are refused for the right reason.
package struct EconomyOracle: Sendable {
    let parameters: NetworkParameters
    let economy: EconomyParameters
    let opening: UInt64
    /// Of the block at hand.
    var here = EndpointID(0)
    var now: UInt64 = 0
    var baseFee: UInt128 = 0
    var validators: [Address] = []
    var call: Call?

    /// By receipt: what requests under way carry.
    var requests: [ReceiptReference: Call] = [:]
    /// By endpoint: payments that are promised and have not left, and how often.
    var promised: [[Promise: Int]]
    var sent: [ReceiptReference: Promise] = [:]
    /// How many attestations may still be reimbursed (ROUND-8).
    var reimbursable: [Reimbursement: Int] = [:]

    /// What the last event owes a node, and jobs that a node was rated for (NODE-11).
    var unrated: [Rating] = []
    var rated: Set<ObjectID> = []

    var nodes: [Address: Node] = [:]
    /// By endpoint index.
    var owners: [[Address]]
    var penalties: [Address: Penalty] = [:]
    var orders: [ObjectID: Order] = [:]
    var offers: [ObjectID: Sale] = [:]
    var sale: (offer: ObjectID, trade: ObjectID, units: UInt64, price: UInt128)?
    var owedNow: [ObjectID: NewClaim] = [:]
    var trades: [ObjectID: TradeClaim] = [:]
    var roles: [Address: Role] = [:]
    /// By owner: what all of its stakes earn, one after another (STAKE-15).
    var roleEarnings: [Address: Earnings] = [:]
    var epochs: Epochs
    /// The members whom the stakes elected last, ascending; nobody, the validators of the genesis.
    package internal(set) var elected: [Address] = []
    /// What the block changed.
    var touched = Touched()

    /// The operation whose effects come next, and the money that came with it.
    struct Call: Sendable {
        let sender: Address
        let value: UInt128
        let operation: TallyTransactions.Operation?
    }

    struct Touched: Sendable {
        var nodes: Set<Address> = []
        var orders: Set<ObjectID> = []
        var trades: Set<ObjectID> = []
        var roles: Set<Address> = []
    }

    /// - Parameter genesis: of a network that has an economy.
    package init(_ genesis: Genesis) {
        guard let economy = genesis.parameters.economy else {
            preconditionFailure("a network without an economy")
        }
        parameters = genesis.parameters
        self.economy = economy
        opening = genesis.time.milliseconds / genesis.parameters.epochMilliseconds
        let count = genesis.parameters.layout.endpointCount
        promised = Array(repeating: [:], count: count)
        owners = Array(repeating: [], count: count)
        epochs = Epochs(count, opening)
    }

    /// Follows a decided height and compares.
    /// - Parameters:
    ///   - validators: of the height.
    ///   - endpoints: the ledger after the height, its trees in memory.
    /// - Throws: the first difference.
    package mutating func check(
        _ records: [BlockRecord], validators: [Address], endpoints: [ShardCore]
    ) throws(EconomyViolation) {
        self.validators = validators
        for record in records {
            touched = Touched()
            try follow(record)
            try compare(endpoints[Int(record.header.endpoint.index)])
        }
    }

    /// Whether everything promised was paid.
    package var isSettled: Bool { sent.isEmpty && promised.allSatisfy(\.isEmpty) }

    private mutating func follow(_ record: BlockRecord) throws(EconomyViolation) {
        here = record.header.endpoint
        now = record.header.time.milliseconds
        baseFee = record.header.baseFee.units
        call = nil
        for event in record.systemResult?.events ?? [] { try follow(event) }
        for (transaction, result) in zip(record.transactions, record.results) {
            call = Call(
                sender: transaction.sender, value: transaction.envelope.value.units,
                operation: transaction.operation)
            for event in result.events { try follow(event) }
        }
        try endBlock()
    }

    private mutating func follow(_ event: LedgerEvent) throws(EconomyViolation) {
        guard case .compute(let event) = event else { return }
        switch event {
        case .requested(let reference, let from, _, let value):
            requests[reference] = Call(sender: from, value: value.units, operation: nil)
        case .handled(let reference, let from):
            call = requests.removeValue(forKey: reference)
            try expect(call?.sender == from, .payout, "a request that nobody made")
        case .payout(let event): try follow(event)
        case .node(let event): try follow(event)
        case .proof(let event): try follow(event)
        case .job(let event): try follow(event)
        case .trade(let event): try follow(event)
        case .validator(let event): try follow(event)
        case .epoch(let event): try follow(event)
        }
    }

    /// Everything that a block owes itself.
    private mutating func endBlock() throws(EconomyViolation) {
        try settlePromises()
        for (owner, penalty) in penalties {
            throw violation(.penalty, "\(owner) was not charged \(penalty)")
        }
        if let trade = owedNow.keys.first { throw violation(.trade, "nothing owed for \(trade)") }
        if let rating = unrated.first { throw violation(.job, "\(rating) was not counted") }
        try expect(sale == nil, .trade, "units were taken and not sold")
    }

    // MARK: Saying so

    func violation(_ subject: EconomyViolation.Subject, _ detail: String) -> EconomyViolation {
        EconomyViolation(endpoint: here, subject: subject, detail: detail)
    }

    func expect(
        _ isTrue: Bool, _ subject: EconomyViolation.Subject, _ detail: @autoclosure () -> String
    ) throws(EconomyViolation) {
        guard isTrue else { throw violation(subject, detail()) }
    }

    func expect<Value: Equatable>(
        _ actual: Value, is expected: Value, _ subject: EconomyViolation.Subject,
        _ what: @autoclosure () -> String
    ) throws(EconomyViolation) {
        guard actual == expected else {
            throw violation(subject, "\(what()) is \(actual), and has to be \(expected)")
        }
    }

    // MARK: Facts

    var epoch: UInt64 { now / parameters.epochMilliseconds }
    var index: Int { Int(here.index) }

    func isHere(_ address: Address) -> Bool {
        EndpointID(parameters.layout.home(of: address)) == here
    }
}
