import Foundation
import Logging
import ServiceLifecycle
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions
import TallyWorker

/// Does what a validator's account owes besides blocks, on networks with a compute economy: attests the
/// times of nodes, votes as an arbiter, gives signs of life (WORK-8, WORK-9, WORK-10). Its fees are paid from the account.
struct DutyService: Service, CustomStringConvertible {
    let engine: Engine
    let key: PrivateKey
    let economy: EconomyParameters
    let clock: any NodeClock
    let logger: Logger

    var description: String { "duties" }

    /// Built-in programs of more steps than this take longer than arbiters have: about a minute.
    private static let maximumSteps: UInt64 = 1 << 29

    func run() async throws {
        await cancelWhenGracefulShutdown { await perform() }
    }

    private func perform() async {
        let account = key.address
        var duties = ValidatorDuties(
            account: account, secret: secret,
            programs: RunnablePrograms(maximumSteps: Self.maximumSteps))
        var snapshot = engine.publisher.current
        let finished = FinishedWorks()
        do {
            var watch = try DutyWatch(account: account, from: snapshot)
            await withTaskGroup(of: Void.self) { group in
                while let next = await engine.publisher.next(after: snapshot.height) {
                    snapshot = next
                    for work in finished.take() { duties.finish(work) }
                    do {
                        try watch.advance(to: snapshot, now: clock.uptime().wholeMilliseconds)
                        let view = try watch.view(snapshot, economy)
                        for action in duties.advance(view) {
                            switch action {
                            case .compute(let work):
                                group.addTask { finished.add(await Self.perform(work)) }
                            case .submit(let operation):
                                if await submit(operation, snapshot) == false {
                                    duties.refused(operation)
                                }
                            }
                        }
                    } catch {
                        logger.warning("duties cannot be read", metadata: ["reason": "\(error)"])
                    }
                }
                group.cancelAll()
            }
        } catch {
            logger.error("no duties are done", metadata: ["reason": "\(error)"])
        }
    }

    /// Nobody else's, and the same after a restart.
    private var secret: Hash32 {
        SHA256.hash(.dutySecret) { hasher in
            hasher.update(engine.genesis.hash)
            hasher.update(key.exportBytes())
        }
    }

    /// Executes a job again: long, and not on the threads that answer requests.
    private static func perform(_ work: Work) async -> FinishedWork {
        await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async {
                continuation.resume(returning: WorkPerformer(runner: nil).perform(work))
            }
        }
    }

    /// Signs and offers an operation.
    /// - Returns: whether the pool took it.
    private func submit(
        _ operation: TallyTransactions.Operation, _ snapshot: LedgerSnapshot
    ) async -> Bool {
        guard let (to, value) = operation.target else { return false }
        let account = key.address
        let home = snapshot.layout.home(of: account)
        let shard = engine.shards[Int(home.value)]
        do {
            let baseFee = snapshot.nextBaseFee(EndpointID(home))
            let fee = baseFee.multiplied(by: 2) ?? baseFee
            let data = operation.callData
            let envelope = Envelope(
                chainID: engine.genesis.parameters.chainID,
                nonce: try await shard.nextNonce(of: account),
                weightLimit: operation.weight + Weights.callData(data), maxFee: fee,
                maxPriorityFee: .zero, to: to, value: value, data: data)
            let raw = envelope.signed(by: key)
            guard case .failure(let rejection)? = await engine.intake.submit([raw]).first else {
                logger.debug("duty sent", metadata: ["operation": "\(operation.family)"])
                return true
            }
            logger.warning(
                "a duty of this validator was not taken; its account pays the fees of its duties",
                metadata: [
                    "operation": "\(operation.family)", "account": "\(account)",
                    "reason": "\(rejection)",
                ])
        } catch {
            logger.error("a duty could not be signed", metadata: ["reason": "\(error)"])
        }
        return false
    }
}
