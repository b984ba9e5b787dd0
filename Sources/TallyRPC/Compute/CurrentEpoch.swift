import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding

/// The epoch of a snapshot's time, and its newest seed.
struct CurrentEpoch: Sendable {
    /// Counted from the time 0 (EPOCH-1).
    let epoch: UInt64
    /// As the schedules count: 0 is that of the genesis (ECON-8).
    let number: UInt64
    /// Milliseconds.
    let length: UInt64
    let began: BeaconTime
    /// Of the newest beacon block.
    let time: BeaconTime
    let seed: BeaconSeed

    /// `nil` without an economy.
    init?(_ snapshot: LedgerSnapshot) {
        let parameters = snapshot.genesis.parameters
        guard parameters.economy != nil else { return nil }
        length = parameters.epochMilliseconds
        time = snapshot.header.time
        epoch = parameters.epoch(at: time)
        number = epoch - min(parameters.epoch(at: snapshot.genesis.time), epoch)
        began = BeaconTime(milliseconds: epoch * length)
        seed = snapshot.view.seed
    }
}

/// What may be minted of each pool, and what was.
struct Emission: Sendable {
    struct Pool: Sendable {
        let cap: Amount
        let minted: Amount
    }

    let nodeRewards: Pool
    let tradeRewards: Pool
    let developerGrants: Pool
}

extension LedgerSnapshot {
    /// `nil` without an economy.
    func emission() throws(RPCFailure) -> Emission? {
        guard let economy = genesis.parameters.economy else { return nil }
        let book = try read(.emission)
        func pool(_ pool: EmissionPool, _ minted: Amount?) -> Emission.Pool {
            Emission.Pool(cap: pool.cap, minted: minted ?? .zero)
        }
        return Emission(
            nodeRewards: pool(economy.nodeRewards, book?.nodes),
            tradeRewards: pool(economy.tradeRewards, book?.trades),
            developerGrants: pool(economy.developerGrants, book?.developers))
    }
}
