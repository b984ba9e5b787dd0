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

/// Who posts a validator's hidden tasks, and what it may (WORK-12).
struct HiddenTaskDuty: Sendable {
    let key: PrivateKey
    let policy: HiddenTaskPolicy

    /// `nil` where the operator allows no money for them.
    init?(_ settings: HiddenTaskSettings, key: PrivateKey) {
        guard settings.shareBps > 0, !settings.maximumEscrow.isZero else { return nil }
        self.key = key
        policy = HiddenTaskPolicy(
            shareBps: settings.shareBps, maximumEscrow: settings.maximumEscrow,
            programs: RunnablePrograms(maximumSteps: DutyService.maximumSteps))
    }
}

/// Does what a validator's account owes besides blocks, on networks with a compute economy: attests the
/// times of nodes, votes as an arbiter, gives signs of life (WORK-8, WORK-9, WORK-10), and posts hidden
/// tasks where its operator pays for them (WORK-11). Its fees are paid from the account.
struct DutyService: Service, CustomStringConvertible {
    let engine: Engine
    let key: PrivateKey
    let economy: EconomyParameters
    /// `nil` for no hidden tasks.
    let hidden: HiddenTaskDuty?
    let clock: any NodeClock
    let logger: Logger

    var description: String { "duties" }

    /// Built-in programs of more steps than this take longer than arbiters have: about a minute.
    static let maximumSteps: UInt64 = 1 << 29

    func run() async throws {
        await cancelWhenGracefulShutdown { await perform() }
    }

    private func perform() async {
        let account = key.address
        var duties = ValidatorDuties(
            account: account, secret: secret(of: key),
            programs: RunnablePrograms(maximumSteps: Self.maximumSteps))
        var tasks = hidden.map {
            HiddenTasks(account: $0.key.address, secret: secret(of: $0.key), policy: $0.policy)
        }
        var snapshot = engine.publisher.current
        let finished = FinishedWorks()
        do {
            var watch = try DutyWatch(
                account: account, payer: hidden?.key.address, from: snapshot)
            await withTaskGroup(of: Void.self) { group in
                while let next = await engine.publisher.next(after: snapshot.height) {
                    snapshot = next
                    for work in finished.take() {
                        duties.finish(work)
                        tasks?.finish(work)
                    }
                    do {
                        try watch.advance(to: snapshot, now: clock.uptime().wholeMilliseconds)
                        let view = try watch.view(snapshot, economy)
                        for operation in start(duties.advance(view), finished, &group) {
                            if await submit(operation, by: key, snapshot) == false {
                                duties.refused(operation)
                            }
                        }
                        guard let hidden, var machine = tasks else { continue }
                        let payer = hidden.key.address
                        let taskView = try watch.tasks(
                            of: payer, fee: fee(of: payer, snapshot), snapshot)
                        for operation in start(machine.advance(taskView), finished, &group) {
                            if await submit(operation, by: hidden.key, snapshot) == false {
                                machine.refused(operation)
                            }
                        }
                        tasks = machine
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

    /// Starts the work that is asked for.
    /// - Returns: the operations.
    private func start(
        _ actions: [WorkerAction], _ finished: FinishedWorks, _ group: inout TaskGroup<Void>
    ) -> [TallyTransactions.Operation] {
        var operations: [TallyTransactions.Operation] = []
        for action in actions {
            switch action {
            case .compute(let work):
                group.addTask { finished.add(await Self.perform(work)) }
            case .submit(let operation): operations.append(operation)
            }
        }
        return operations
    }

    /// Nobody else's, and the same after a restart.
    private func secret(of key: PrivateKey) -> Hash32 {
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

    /// Most that an account's operation pays for a unit of weight.
    private func fee(of account: Address, _ snapshot: LedgerSnapshot) -> Amount {
        let baseFee = snapshot.nextBaseFee(EndpointID(snapshot.layout.home(of: account)))
        return baseFee.multiplied(by: 2) ?? baseFee
    }

    /// Signs and offers an operation.
    /// - Returns: whether the pool took it.
    private func submit(
        _ operation: TallyTransactions.Operation, by key: PrivateKey, _ snapshot: LedgerSnapshot
    ) async -> Bool {
        guard let (to, value) = operation.target else { return false }
        let account = key.address
        let home = snapshot.layout.home(of: account)
        let shard = engine.shards[Int(home.value)]
        do {
            let data = operation.callData
            let envelope = Envelope(
                chainID: engine.genesis.parameters.chainID,
                nonce: try await shard.nextNonce(of: account),
                weightLimit: operation.weight + Weights.callData(data),
                maxFee: fee(of: account, snapshot),
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
