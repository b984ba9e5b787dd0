import ArgumentParser
import TallyCrypto
import TallyPrimitives
import TallyTransactions

struct ComputeJobCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Post, bid for, deliver and settle jobs.",
        subcommands: [
            JobPost.self, JobBidVerb.self, JobWithdraw.self, JobAcceptBid.self, JobCloseOrder.self,
            JobDeliver.self, JobReveal.self, JobAccept.self, JobDispute.self, JobCommitVerdict.self,
            JobRevealVerdict.self, JobSettle.self, JobTopUp.self, JobCloseLease.self,
        ])

    struct JobPost: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "post", abstract: "Open an order, and fund its escrow.",
            discussion: """
                Without --sealed a random value seals nothing, so that nobody can tell hidden \
                tasks from other jobs.
                """)
        @Option(
            name: .long,
            help: ArgumentHelp("hashChain, matrixProduct or listed.", valueName: "program"))
        var program: NamedArgument<JobProgram>
        @Option(name: .long, help: ArgumentHelp("fixed or rental.", valueName: "pricing"))
        var pricing = NamedArgument(JobPricing.fixed)
        @Option(
            name: .long,
            help: ArgumentHelp("What to do, at most 512 bytes.", valueName: "hex"))
        var spec: BytesArgument
        @Option(
            name: .long,
            help: ArgumentHelp(
                "Input of the program; of built-in ones the seed (default: random).",
                valueName: "hash"))
        var input: HashArgument?
        @Option(
            name: .long,
            help: ArgumentHelp("Commitment of an expected answer.", valueName: "hash"))
        var sealed: HashArgument?
        @Option(
            name: .long,
            help: ArgumentHelp(
                "Most to pay for the job, or for a second of a rental.", valueName: "amount"))
        var price: AmountArgument
        @Option(
            name: .long,
            help: ArgumentHelp("The escrow (default: the price).", valueName: "amount"))
        var escrow: AmountArgument?
        @Option(
            name: .long,
            help: ArgumentHelp("Beacon time at which bidding ends.", valueName: "ms"))
        var bidsUntil: UInt64
        @Option(
            name: .long,
            help: ArgumentHelp(
                "From acceptance to delivery, or the longest rental.", valueName: "ms"))
        var duration: UInt64
        @OptionGroup var options: ComputeOptions

        func operation() throws -> TallyTransactions.Operation {
            let terms = JobTerms(
                program: program.value, pricing: pricing.value,
                input: try input?.value ?? .random(),
                sealed: try sealed?.value ?? .random(), price: price.value,
                bidsUntil: BeaconTime(milliseconds: bidsUntil), duration: duration,
                spec: spec.value)
            return .job(.postJob(terms, escrow: escrow?.value ?? price.value))
        }
    }

    struct JobBidVerb: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "bid", abstract: "Offer to do a job; the bond comes back.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @Option(
            name: .long,
            help: ArgumentHelp("Price, or rate for a second.", valueName: "amount"))
        var price: AmountArgument
        @Option(
            name: .long,
            help: ArgumentHelp("The bond that the network asks for.", valueName: "amount"))
        var bond: AmountArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .job(.placeBid(order: order.value, price: price.value, bond: bond.value))
        }
    }

    struct JobWithdraw: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "withdraw", abstract: "Withdraw your bid.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .job(.withdrawBid(order: order.value))
        }
    }

    struct JobAcceptBid: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "accept-bid", abstract: "Give your job to a bidder.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @Argument(help: "Id of the bid.") var bid: ObjectIDArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .job(.acceptBid(order: order.value, bid: bid.value))
        }
    }

    struct JobCloseOrder: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "close", abstract: "Close your open order.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .job(.closeOrder(order: order.value))
        }
    }

    struct JobDeliver: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "deliver", abstract: "Deliver the hash of the result.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @Option(name: .long, help: ArgumentHelp("The result's hash.", valueName: "hash"))
        var result: HashArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .job(.deliver(order: order.value, result: result.value))
        }
    }

    struct JobReveal: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "reveal", abstract: "Open the sealed answer of your hidden task.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @Option(name: .long, help: ArgumentHelp("The answer.", valueName: "hash"))
        var answer: HashArgument
        @Option(name: .long, help: ArgumentHelp("What it was sealed with.", valueName: "hash"))
        var salt: HashArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .job(.reveal(order: order.value, answer: answer.value, salt: salt.value))
        }
    }

    struct JobAccept: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "accept", abstract: "Accept the result, which pays at once.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .job(.acceptResult(order: order.value))
        }
    }

    struct JobDispute: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "dispute", abstract: "Have drawn validators execute the job again.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation { .job(.dispute(order: order.value)) }
    }

    struct JobCommitVerdict: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "commit-verdict", abstract: "Commit, as an arbiter, to a result.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @Option(name: .long, help: ArgumentHelp("The commitment.", valueName: "hash"))
        var commitment: HashArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .job(.commitVerdict(order: order.value, commitment: commitment.value))
        }
    }

    struct JobRevealVerdict: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "reveal-verdict", abstract: "Reveal, as an arbiter, the result.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @Option(name: .long, help: ArgumentHelp("The result.", valueName: "hash"))
        var result: HashArgument
        @Option(name: .long, help: ArgumentHelp("The commitment's salt.", valueName: "hash"))
        var salt: HashArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .job(.revealVerdict(order: order.value, result: result.value, salt: salt.value))
        }
    }

    struct JobSettle: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "settle",
            abstract: "Do what is due of an order; pays what a rental has earned.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation { .job(.settle(order: order.value)) }
    }

    struct JobTopUp: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "top-up", abstract: "Add to the escrow; resumes a paused rental.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @Option(name: .long, help: ArgumentHelp("What to add.", valueName: "amount"))
        var value: AmountArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .job(.topUp(order: order.value, value: value.value))
        }
    }

    struct JobCloseLease: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "close-lease", abstract: "End a lease, as payer or provider.")
        @Argument(help: "Id of the order.") var order: ObjectIDArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .job(.closeLease(order: order.value))
        }
    }
}

extension Hash32 {
    /// 32 random bytes.
    fileprivate static func random() throws -> Hash32 {
        try SecureRandom.bytes(32).withUnsafeBytes { Hash32(loading: $0) }
    }
}
