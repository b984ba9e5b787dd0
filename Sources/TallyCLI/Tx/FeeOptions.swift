import ArgumentParser
import TallyClient
import TallyPrimitives
import TallyTransactions

/// What a transaction says besides what it does; what is not given is asked of the node.
struct FeeOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Transactions the sender has sent before (default: asked of the node).",
            valueName: "count"))
    var nonce: UInt64?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Most to pay for a unit of gas (default: twice the price now).",
            valueName: "units"))
    var maxFee: AmountArgument?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Most of it that goes to the validator (default: asked of the node).",
            valueName: "units"))
    var priorityFee: AmountArgument?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Price of a unit of gas; makes a legacy transaction.", valueName: "units"))
    var gasPrice: AmountArgument?

    func validate() throws {
        if gasPrice != nil, maxFee != nil || priorityFee != nil {
            throw ValidationError("Give --gas-price, or --max-fee and --priority-fee.")
        }
    }

    /// What a transaction of `sender` begins with now.
    func opening(
        of sender: Address, _ client: LedgerClient
    ) async throws(LedgerClientError) -> TransactionOpening {
        let chainID = try await client.chainID()
        let (tip, fee) = try await offer(client)
        let ownNonce: Nonce
        if let nonce {
            ownNonce = nonce
        } else {
            ownNonce = try await client.nonce(of: sender, at: "pending")
        }
        return TransactionOpening(
            type: gasPrice == nil ? .dynamicFee : .legacy, chainID: chainID, nonce: ownNonce,
            maxFee: fee, maxPriorityFee: tip)
    }

    private func offer(
        _ client: LedgerClient
    ) async throws(LedgerClientError) -> (tip: Amount, fee: Amount) {
        if let gasPrice { return (gasPrice.value, gasPrice.value) }
        let tip: Amount
        if let priorityFee {
            tip = priorityFee.value
        } else {
            tip = try await client.priorityFee()
        }
        let fee: Amount
        if let maxFee {
            fee = maxFee.value
        } else {
            let price = try await client.gasPrice()
            fee = max(price.multiplied(by: 2) ?? price, tip)
        }
        return (min(tip, fee), fee)
    }
}

/// The fields of a transaction that do not depend on what it does.
struct TransactionOpening {
    let type: EnvelopeType
    let chainID: ChainID
    let nonce: Nonce
    let maxFee: Amount
    let maxPriorityFee: Amount

    /// - Parameter offset: transactions of the same sender in front of this one.
    func envelope(
        offset: Nonce = 0, weightLimit: Weight, to: Address, value: Amount, data: [UInt8] = []
    ) -> Envelope {
        // No transaction has the last nonce: whoever checks the envelope refuses it.
        let (sum, overflow) = nonce.addingReportingOverflow(offset)
        return Envelope(
            type: type, chainID: chainID, nonce: overflow ? .max : sum, weightLimit: weightLimit,
            maxFee: maxFee, maxPriorityFee: maxPriorityFee, to: to, value: value, data: data)
    }
}
