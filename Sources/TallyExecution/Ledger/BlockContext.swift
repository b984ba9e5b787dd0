package import TallyPrimitives
import TallyTransactions

/// Everything a shard block reads besides its own state: as of the parent beacon block.
package struct BlockContext: Hashable, Sendable {
    /// Genesis hash: the name of the chain.
    package let chain: Hash32
    package let parameters: NetworkParameters
    /// The endpoint that builds.
    package let endpoint: EndpointID
    package let height: Height
    /// Of the parent beacon block (SHARD-6).
    package let time: BeaconTime
    package let baseFee: Amount
    /// Who built the block and earns its tips.
    package let beneficiary: Address
    /// Of the parent beacon block (SEED-4).
    package let seed: BeaconSeed
    /// Who votes at this height, ascending: draws of attesters and arbiters are among them.
    package let validators: [Address]

    package init(
        chain: Hash32, parameters: NetworkParameters, endpoint: EndpointID, height: Height,
        time: BeaconTime, baseFee: Amount, beneficiary: Address, seed: BeaconSeed = .none,
        validators: [Address] = []
    ) {
        self.chain = chain
        self.parameters = parameters
        self.endpoint = endpoint
        self.height = height
        self.time = time
        self.baseFee = baseFee
        self.beneficiary = beneficiary
        self.seed = seed
        self.validators = validators
    }

    package var layout: ShardLayout { parameters.layout }

    /// Where an address lives (SHARD-1); the reserved ones have no home shard, the treasury's is the beacon.
    package func home(of address: Address) -> EndpointID {
        address == ReservedAddress.treasury
            ? layout.beacon : EndpointID(layout.home(of: address))
    }

    /// Number of the epoch that `time` lies in, counted from the time 0.
    package var epoch: UInt64 { parameters.epoch(at: time) }

    /// The end of the epoch that `time` lies in.
    package var epochEnd: BeaconTime {
        let length = parameters.epochMilliseconds
        let (end, overflow) = (time.milliseconds / length * length).addingReportingOverflow(length)
        return BeaconTime(milliseconds: overflow ? .max : end)
    }
}
