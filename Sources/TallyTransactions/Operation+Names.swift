extension Operation {
    /// The operation's name, as its function in the published ABI has it.
    public var name: String {
        switch self {
        case .transfer(.single): "transfer"
        case .transfer(.batch): "batchTransfer"
        case .transfer(.claimEscrow): "claimEscrow"
        case .transfer(.setCreditPolicy): "setCreditPolicy"
        case .node(let operation): operation.name
        case .proof(let operation): operation.name
        case .job(let operation): operation.name
        case .trade(let operation): operation.name
        case .validator(let operation): operation.name
        }
    }
}

extension NodeOperation {
    fileprivate var name: String {
        switch self {
        case .register: "registerNode"
        case .update: "updateNode"
        case .deregister: "deregisterNode"
        case .stake: "stakeNode"
        case .unstake: "unstake"
        case .claimRewards: "claimRewards"
        }
    }
}

extension ProofOperation {
    fileprivate var name: String {
        switch self {
        case .commit: "commitProof"
        case .reveal: "revealProof"
        case .attest: "attestProof"
        }
    }
}

extension JobOperation {
    fileprivate var name: String {
        switch self {
        case .postJob: "postJob"
        case .placeBid: "placeBid"
        case .withdrawBid: "withdrawBid"
        case .acceptBid: "acceptBid"
        case .closeOrder: "closeOrder"
        case .deliver: "deliver"
        case .reveal: "reveal"
        case .acceptResult: "acceptResult"
        case .dispute: "dispute"
        case .commitVerdict: "commitVerdict"
        case .revealVerdict: "revealVerdict"
        case .settle: "settle"
        case .topUp: "topUp"
        case .closeLease: "closeLease"
        }
    }
}

extension TradeOperation {
    fileprivate var name: String {
        switch self {
        case .listOffer: "listOffer"
        case .cancelOffer: "cancelOffer"
        case .repriceOffer: "repriceOffer"
        case .buyCompute: "buyCompute"
        case .settleTrade: "settleTrade"
        }
    }
}

extension ValidatorOperation {
    fileprivate var name: String {
        switch self {
        case .stakeRole: "stakeRole"
        case .renewStake: "renewStake"
        case .unstake: "unstake"
        case .heartbeat: "heartbeat"
        case .submitEvidence: "submitEvidence"
        case .impeach: "impeach"
        case .claimRewards: "claimRewards"
        }
    }
}
