package import TallyCrypto
package import TallyExecution
package import TallyPrimitives
import TallySharding

/// The network of `tally dev`: one validator and two funded accounts a shard, whose keys follow
/// from their numbers, so that everybody knows them. Never use them elsewhere.
package struct DevNetwork: Sendable {
    /// A funded account.
    package struct Account: Sendable {
        package let key: PrivateKey
        package let address: Address
        package let shard: ShardID
    }

    /// The chain id is always that of dev networks.
    package let parameters: NetworkParameters
    package let validator: PrivateKey
    /// By shard, two each.
    package let accounts: [Account]

    package static let name = "tally dev"
    package static let chainID: ChainID = 1337
    /// A million ether each; with a compute economy, 10 million tokens: a stake of every role, and
    /// money to trade with.
    package var balance: Amount {
        parameters.economy.flatMap {
            EconomyParameters.tokens(10_000_000, decimals: $0.decimals)
        } ?? Amount(1_000_000_000_000_000_000_000_000)
    }
    package var layout: ShardLayout { parameters.layout }
    private static let accountsPerShard = 2

    package init(layout: ShardLayout, profile: NetworkProfile = .none) {
        var parameters = NetworkParameters(chainID: Self.chainID, layout: layout)
        profile.apply(to: &parameters)
        self.init(parameters: parameters)
    }

    package init(parameters: NetworkParameters) {
        var parameters = parameters
        parameters.chainID = Self.chainID
        self.parameters = parameters
        let layout = parameters.layout
        validator = Self.key("tally dev validator")
        var found: [[Account]] = Array(repeating: [], count: Int(layout.shardCount))
        var missing = Self.accountsPerShard * found.count
        var number: UInt64 = 0
        while missing > 0 {
            let key = Self.key("tally dev account \(number)")
            number += 1
            let address = key.address
            let shard = layout.home(of: address)
            guard found[Int(shard.value)].count < Self.accountsPerShard else { continue }
            found[Int(shard.value)].append(Account(key: key, address: address, shard: shard))
            missing -= 1
        }
        accounts = found.flatMap(\.self)
    }

    /// What the network begins with.
    /// - Parameter validators: others than its own; each once.
    package func genesis(
        time: BeaconTime, name: String = Self.name, validators: [Address]? = nil
    ) -> GenesisDocument {
        do throws(GenesisError) {
            return GenesisDocument(
                name: name,
                genesis: try Genesis(
                    parameters: parameters, time: time,
                    accounts: accounts.map {
                        Genesis.Opening(address: $0.address, balance: balance)
                    } + purses(of: validators ?? [validator.address]),
                    validators: validators ?? [validator.address]))
        } catch { preconditionFailure("the dev network is well formed: \(error)") }
    }

    /// With an economy, validators pay the fees of their duties: 1,000 tokens each.
    private func purses(of validators: [Address]) -> [Genesis.Opening] {
        guard let economy = parameters.economy,
            let purse = EconomyParameters.tokens(1_000, decimals: economy.decimals)
        else { return [] }
        return validators.map { Genesis.Opening(address: $0, balance: purse) }
    }

    /// Whether a network is one of this kind.
    package static func isDev(_ document: GenesisDocument) -> Bool {
        document.genesis.parameters.chainID == chainID
            && document.genesis.validators == [key("tally dev validator").address]
    }

    private static func key(_ label: String) -> PrivateKey {
        do throws(PrivateKeyError) {
            return try PrivateKey(SHA256.hash(.object, Array(label.utf8)))
        } catch { preconditionFailure("a hash of \(label) that is no key") }
    }
}
