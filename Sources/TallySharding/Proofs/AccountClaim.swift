package import TallyExecution
package import TallyPrimitives
package import TallyState

/// Claims what an account is after a block of its shard, or that there is none.
package struct AccountClaim: Hashable, Sendable {
    package let address: Address
    package let block: AnchoredHeader
    package let state: StateProof

    package init(address: Address, block: AnchoredHeader, state: StateProof) {
        self.address = address
        self.block = block
        self.state = state
    }

    // PROOF-7
    func verify(
        _ chain: HeaderChain, _ layout: ShardLayout
    ) throws(LedgerProofError) -> ProvenAccount {
        let proven = try block.verify(chain)
        // Elsewhere it does not exist, which shows nothing.
        let home = EndpointID(layout.home(of: address))
        guard home == proven.endpoint else {
            throw .wrongHome(expected: home, actual: proven.endpoint)
        }
        let object: StateObject?
        do throws(ProofError) {
            object = try state.verify(
                root: block.header.stateRoot, sum: block.header.stateSum,
                path: ObjectKey.account(address).path)
        } catch { throw .state(error) }
        guard let object else {
            return ProvenAccount(address: address, block: proven, account: nil)
        }
        guard object.kind == .account else { throw .notAnAccount }
        do throws(RLPError) {
            return ProvenAccount(address: address, block: proven, account: try Account(object))
        } catch { throw .account(error) }
    }
}

/// An account as of a block of its shard.
package struct ProvenAccount: Hashable, Sendable {
    package let address: Address
    package let block: ProvenBlock
    /// `nil` for one that never was: its balance and nonce are 0.
    package let account: Account?
}
