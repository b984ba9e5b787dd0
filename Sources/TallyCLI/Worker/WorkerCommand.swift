import ArgumentParser
import TallyClient
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTransactions
import TallyWorker
import UnixSignals

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Let this machine compute: answer rounds of proofs, take jobs, earn rewards.",
        discussion: """
            Follows the compute node of the account that signs, over the JSON-RPC of any node of the \
            network. With --register it begins the node. Rounds of proofs are answered always; jobs are \
            taken only at a price you name. Built-in programs (hash chains, matrix products) need nothing \
            else; of other programs only those run that you list, as another user, without network and \
            within limits. No code of a buyer is ever executed.

            Examples:
              tally worker --key-file k --register
              tally worker --key-file k --register --price 500 --rate 2
              tally worker --key-file k --price 500 --program resize=/usr/local/bin/resize

            Stops on Ctrl-C. Whatever it was at is taken up again at the next start.
            """)

    @OptionGroup var sender: SenderOptions
    @OptionGroup var rpc: RPCOptions
    @Flag(name: .long, help: "Begin a compute node for the account, if it has none.")
    var register = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Hash of what you say of the machine, for --register (default: zeros).",
            valueName: "hash"))
    var spec: HashArgument?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Bid this much for jobs with a fixed price (default: take none).",
            valueName: "amount"))
    var price: AmountArgument?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Bid this much a second for rentals (default: take none).", valueName: "amount"))
    var rate: AmountArgument?
    @Option(
        name: .long,
        help: ArgumentHelp("Bids and leases at once.", valueName: "count"))
    var leases = 1
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Most steps of a built-in job: hashes of a chain, products of a matrix.",
            valueName: "count"))
    var maxSteps: UInt64 = 1 << 32
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A program that jobs may name, as name=/path/of/executable. Repeatable.",
            valueName: "name=path"))
    var program: [ListedProgramArgument] = []
    @Option(
        name: .long,
        help: ArgumentHelp("User that programs run as; needs root.", valueName: "user"))
    var programUser = "nobody"
    @Flag(name: .long, help: "Run programs as yourself, who must not be root.")
    var sameUser = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Claim rewards from this amount on (default: as soon as there are any).",
            valueName: "amount"))
    var claimFrom: AmountArgument?
    @Option(
        name: .long,
        help: ArgumentHelp("Balance that no bond is taken from.", valueName: "amount"))
    var reserve: AmountArgument?
    @Option(
        name: .long,
        help: ArgumentHelp("Time from one look at the ledger to the next.", valueName: "ms"))
    var poll: UInt64 = 250
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !(20...60_000).contains(poll) {
            throw ValidationError("--poll must be 20 to 60000, not \(poll)")
        }
        if leases < 1 { throw ValidationError("--leases must be at least 1.") }
        let names = program.map(\.name)
        if Set(names).count < names.count {
            throw ValidationError("Each --program needs a name of its own.")
        }
    }

    func run() async throws {
        let key = try sender.key()
        let runner = try makeRunner()
        let session = WorkerSession(
            client: try rpc.client(timeout: .seconds(40)), key: key, output: output,
            performer: WorkPerformer(runner: runner), poll: .milliseconds(Int64(poll)))
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        let policy = policy(key.address, runner)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in signals { return } }
            group.addTask { try await session.run(policy) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func makeRunner() throws -> ProgramRunner? {
        guard !program.isEmpty else { return nil }
        let programs = Dictionary(
            uniqueKeysWithValues: program.map {
                ($0.name, ListedProgram(executable: $0.path))
            })
        do throws(ProgramRunnerError) {
            return try ProgramRunner(programs, as: sameUser ? .same : .named(programUser))
        } catch { throw CommandFailure("program", error.description) }
    }

    private func policy(_ account: Address, _ runner: ProgramRunner?) -> WorkerPolicy {
        var policy = WorkerPolicy(
            programs: RunnablePrograms(names: runner?.names ?? [], maximumSteps: maxSteps))
        if register {
            // The account's key is the machine's as well, until it says otherwise.
            let machine = SHA256.hash(.object, account.bytes)
            policy.registration = .init(key: machine, spec: spec?.value ?? .zero)
        }
        policy.price = price?.value
        policy.rate = rate?.value
        policy.maximumLeases = leases
        policy.reserve = reserve?.value ?? .zero
        policy.claimFrom = claimFrom?.value ?? Amount(1)
        return policy
    }
}

/// `name=/path`.
struct ListedProgramArgument: ExpressibleByArgument {
    let name: ProgramName
    let path: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let name = ProgramName(String(parts[0])) else { return nil }
        self.name = name
        path = String(parts[1])
    }
}
