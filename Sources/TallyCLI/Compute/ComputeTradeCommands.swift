import ArgumentParser
import TallyPrimitives
import TallyTransactions

struct ComputeTradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trade", abstract: "Offer and buy computing power.",
        subcommands: [
            TradeList.self, TradeCancel.self, TradeReprice.self, TradeBuy.self, TradeSettle.self,
        ])

    struct TradeList: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "offer", abstract: "Offer units of computing power.")
        @Option(
            name: .long,
            help: ArgumentHelp(
                "power, processor, graphics, memory, storage or network.", valueName: "kind"))
        var resource = NamedArgument(ComputeResource.power)
        @Option(
            name: .long, help: ArgumentHelp("Hash of what a unit is.", valueName: "hash"))
        var spec: HashArgument
        @Option(name: .long, help: ArgumentHelp("Price of a unit.", valueName: "amount"))
        var price: AmountArgument
        @Option(name: .long, help: ArgumentHelp("Units.", valueName: "count"))
        var units: UInt64
        @Option(
            name: .long,
            help: ArgumentHelp(
                "Beacon time at which the offer ends (default: 30 days from now).",
                valueName: "ms"))
        var until: UInt64?
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .trade(
                .listOffer(
                    OfferTerms(
                        resource: resource.value, specification: spec.value,
                        pricePerUnit: price.value, units: units,
                        until: until.map(BeaconTime.init(milliseconds:)))))
        }
    }

    struct TradeCancel: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "cancel", abstract: "Withdraw your offer.")
        @Argument(help: "Id of the offer.") var offer: ObjectIDArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation { .trade(.cancelOffer(offer.value)) }
    }

    struct TradeReprice: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "reprice", abstract: "Change the price of your offer.")
        @Argument(help: "Id of the offer.") var offer: ObjectIDArgument
        @Option(name: .long, help: ArgumentHelp("Price of a unit.", valueName: "amount"))
        var price: AmountArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .trade(.repriceOffer(offer.value, pricePerUnit: price.value))
        }
    }

    struct TradeBuy: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "buy", abstract: "Buy units of an offer.",
            discussion: "What the price is below the most you pay comes back.")
        @Argument(help: "Id of the offer.") var offer: ObjectIDArgument
        @Option(name: .long, help: ArgumentHelp("Units.", valueName: "count"))
        var units: UInt64
        @Option(
            name: .long, help: ArgumentHelp("Most to pay for a unit.", valueName: "amount"))
        var price: AmountArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .trade(.buyCompute(offer.value, units: units, maximumPrice: price.value))
        }
    }

    struct TradeSettle: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "settle",
            abstract: "Have the rewards of a trade paid, once its epoch is funded.")
        @Argument(help: "Id of the trade.") var trade: ObjectIDArgument
        @Option(name: .long, help: ArgumentHelp("Who sold.", valueName: "address"))
        var seller: AddressArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .trade(.settleTrade(trade.value, seller: seller.value))
        }
    }
}

struct ComputeStakeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stake", abstract: "Stake as a validator or router.",
        subcommands: [
            StakePlace.self, StakeRenew.self, StakeWithdraw.self, StakeHeartbeat.self,
            StakeEvidence.self, StakeImpeach.self, StakeClaim.self,
        ])

    struct StakePlace: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "place", abstract: "Stake for a role and a term.")
        @Option(name: .long, help: ArgumentHelp("validator or router.", valueName: "role"))
        var role: NamedArgument<StakeRole>
        @Option(name: .long, help: ArgumentHelp("The term.", valueName: "days"))
        var days: UInt32
        @Option(name: .long, help: ArgumentHelp("The stake.", valueName: "amount"))
        var value: AmountArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .validator(.stakeRole(role.value, termDays: days, value: value.value))
        }
    }

    struct StakeRenew: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "renew", abstract: "Add a term behind the one that runs.")
        @Option(name: .long, help: ArgumentHelp("The term.", valueName: "days"))
        var days: UInt32
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .validator(.renewStake(termDays: days))
        }
    }

    struct StakeWithdraw: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "withdraw", abstract: "Take a stake back whose term is over.")
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation { .validator(.unstake) }
    }

    struct StakeHeartbeat: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "heartbeat", abstract: "Say that the staker is there.")
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation { .validator(.heartbeat) }
    }

    struct StakeEvidence: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "evidence",
            abstract: "Prove that a validator signed what contradicts itself.")
        @Argument(help: "The evidence, as `tally` nodes log it.") var evidence: BytesArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .validator(.submitEvidence(evidence.value))
        }
    }

    struct StakeImpeach: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "impeach", abstract: "Vote for taking another one's stake.")
        @Argument(help: "Whose stake.") var owner: AddressArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation { .validator(.impeach(owner.value)) }
    }

    struct StakeClaim: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "claim", abstract: "Draw the rewards that the stake has earned.")
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation { .validator(.claimRewards) }
    }
}
