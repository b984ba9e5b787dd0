import TallyConsensus
import TallyCrypto
package import TallyExecution
package import TallyPrimitives
package import TallyState
import TallyTransactions

/// Everything a network begins with. Its hash names the chain.
package struct Genesis: Hashable, Sendable {
    package let parameters: NetworkParameters
    package let time: BeaconTime
    /// Opening balances, by address, ascending, each once.
    package let accounts: [Opening]
    /// Who votes, ascending, each once.
    package let validators: [Address]
    /// The name of the chain: a hash of everything above.
    package let hash: Hash32

    /// Largest supply: streams add up what passed through them since genesis in 128 bits, so the whole
    /// supply can pass through one 2^24 times.
    package static let maximumSupply = Amount(1 << 104)

    /// One account's opening balance.
    package struct Opening: Hashable, Sendable {
        package let address: Address
        package let balance: Amount

        package init(address: Address, balance: Amount) {
            self.address = address
            self.balance = balance
        }
    }

    /// Sorts and checks.
    /// - Throws: the first fault found.
    package init(
        parameters: NetworkParameters, time: BeaconTime, accounts: [Opening],
        validators: [Address]
    ) throws(GenesisError) {
        if let fault = parameters.faults.first { throw .parameter(fault) }
        let accounts = accounts.sorted { $0.address < $1.address }
        let validators = validators.sorted()
        for (a, b) in zip(accounts, accounts.dropFirst()) where a.address == b.address {
            throw .duplicateAccount(a.address)
        }
        for account in accounts where ReservedAddress.contains(account.address) {
            throw .reservedAccount(account.address)
        }
        for (a, b) in zip(validators, validators.dropFirst()) where a == b {
            throw .duplicateValidator(a)
        }
        guard !validators.isEmpty else { throw .noValidator }
        guard validators.count <= ValidatorSet.maximumCount else { throw .tooManyValidators }
        guard let supply = Amount.sum(accounts.lazy.map(\.balance)), supply <= Self.maximumSupply
        else { throw .supplyTooLarge }
        self.parameters = parameters
        self.time = time
        self.accounts = accounts
        self.validators = validators
        hash = Self.hash(parameters, time, accounts, validators)
    }

    /// The whole supply at genesis, in base units.
    package var supply: Amount { Amount.sum(accounts.lazy.map(\.balance)) ?? .max }

    private static func hash(
        _ parameters: NetworkParameters, _ time: BeaconTime, _ accounts: [Opening],
        _ validators: [Address]
    ) -> Hash32 {
        SHA256.hash(
            .genesis,
            RLPEncoder.list(capacity: 64 + accounts.count * 36) { out in
                parameters.encode(to: &out)
                out.append(time)
                out.list { out in
                    for account in accounts {
                        out.append(account.address)
                        out.append(account.balance)
                    }
                }
                out.list { out in for validator in validators { out.append(validator) } }
            })
    }

    /// The state of every endpoint at height 0, by index.
    /// - Parameter work: how the endpoints' trees are built.
    /// - Complexity: O(n log n) with n accounts: about 2 µs each.
    package func states(
        _ work: some WorkMap = InOrder()
    ) throws(StateError) -> [GenesisState] {
        let chain = hash
        var shares: [[Opening]] = Array(repeating: [], count: parameters.layout.endpointCount)
        for account in accounts where !account.balance.isZero {
            shares[Int(parameters.layout.home(of: account.address).value)].append(account)
        }
        let openings = shares
        let results = work.map(openings.count) { index in
            Result { () throws(StateError) in
                try GenesisState(
                    self, chain: chain, endpoint: EndpointID(UInt16(index)),
                    accounts: openings[index])
            }
        }
        var states: [GenesisState] = []
        for result in results { states.append(try result.get()) }
        return states
    }

    /// The beacon block of height 0.
    package func beaconHeader(_ states: [GenesisState]) -> BeaconHeader {
        BeaconHeader(
            chain: hash, height: .genesis, parent: .zero, time: time, proposer: .zero,
            anchorsRoot: BeaconHeader.anchorsRoot(states.map(\.header)),
            validators: ValidatorSchedule(self)[Height(2)].hash,
            randomness: HeaderRandomness(genesis: hash).hash)
    }
}

/// Why a document describes no network.
package enum GenesisError: Error, Hashable, Sendable, CustomStringConvertible {
    case parameter(ParameterFault)
    case duplicateAccount(Address)
    case reservedAccount(Address)
    case duplicateValidator(Address)
    case noValidator
    /// More than 512.
    case tooManyValidators
    case supplyTooLarge

    package var description: String {
        switch self {
        case .parameter(let fault): fault.description
        case .duplicateAccount(let address): "account \(address) is listed twice"
        case .reservedAccount(let address): "account \(address) is a reserved address"
        case .duplicateValidator(let address): "validator \(address) is listed twice"
        case .noValidator: "a network needs at least one validator"
        case .tooManyValidators:
            "a network has at most \(ValidatorSet.maximumCount) validators"
        case .supplyTooLarge: "the balances' sum exceeds 2^104"
        }
    }
}

/// One endpoint at height 0.
package struct GenesisState: Sendable {
    package let header: ShardHeader
    package let tree: StateTree
    /// The state's due entries.
    let due: [DueEntry]

    init(
        _ genesis: Genesis, chain: Hash32, endpoint: EndpointID, accounts: [Genesis.Opening]
    ) throws(StateError) {
        var changes = accounts.map { opening in
            StateChange(
                ObjectKey.account(opening.address),
                Account(balance: opening.balance, nonce: 0, policy: .accept).object)
        }
        var due: [DueEntry] = []
        if genesis.parameters.economy != nil {
            // EPOCH-1
            let opening = EpochOpening(genesis.parameters, at: genesis.time)
            changes += opening.changes(genesis.parameters)
            due = [opening.firstClose(genesis.parameters)]
        }
        try self.init(genesis, chain: chain, endpoint: endpoint, changes, due)
    }

    /// - Parameter due: the entries among `changes`.
    init(
        _ genesis: Genesis, chain: Hash32, endpoint: EndpointID, _ changes: [StateChange],
        _ due: [DueEntry]
    ) throws(StateError) {
        self.due = due
        tree = try StateTree.empty.updating(changes.inPathOrder(), MemoryPages())
        header = ShardHeader(
            chain: chain, shardCount: genesis.parameters.layout.shardCount, endpoint: endpoint,
            height: .genesis, parent: .zero, beaconRef: .zero, time: genesis.time,
            beneficiary: .zero, baseFee: genesis.parameters.minimumBaseFee, stateRoot: tree.root,
            stateSum: tree.sum, txRoot: MerkleRange.empty.root, resultRoot: MerkleRange.empty.root,
            out: [], in: [], minted: .zero, burned: .zero, weightUsed: 0)
    }
}
