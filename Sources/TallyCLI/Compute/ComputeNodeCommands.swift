import ArgumentParser
import TallyPrimitives
import TallyTransactions

struct ComputeNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Register and stake a compute node.",
        subcommands: [
            NodeRegister.self, NodeUpdate.self, NodeDeregister.self, NodeStakeVerb.self,
            NodeUnstake.self, NodeClaim.self,
        ])

    /// What a node says of its machine.
    struct Machine: ParsableArguments {
        @Option(
            name: .long,
            help: ArgumentHelp("The machine's public key, 32 bytes.", valueName: "hash"))
        var machineKey: HashArgument
        @Option(
            name: .long,
            help: ArgumentHelp("Hash of what you say of the machine.", valueName: "hash"))
        var spec: HashArgument
    }

    struct NodeRegister: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "register",
            abstract: "Begin a node: its rounds of proofs begin at once, see `tally worker`.")
        @OptionGroup var machine: Machine
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .node(.register(key: machine.machineKey.value, spec: machine.spec.value))
        }
    }

    struct NodeUpdate: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "update", abstract: "Change what the node says of its machine.")
        @OptionGroup var machine: Machine
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .node(.update(key: machine.machineKey.value, spec: machine.spec.value))
        }
    }

    struct NodeDeregister: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "deregister", abstract: "End a node that has no stake.")
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation { .node(.deregister) }
    }

    struct NodeStakeVerb: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "stake",
            abstract: "Stake for a term, which multiplies the node's part in the rewards.")
        @Option(name: .long, help: ArgumentHelp("The term.", valueName: "days"))
        var days: UInt32
        @Option(name: .long, help: ArgumentHelp("The stake.", valueName: "amount"))
        var value: AmountArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .node(.stake(termDays: days, value: value.value))
        }
    }

    struct NodeUnstake: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "unstake", abstract: "Take a stake back whose term is over.")
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation { .node(.unstake) }
    }

    struct NodeClaim: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "claim", abstract: "Draw the rewards that the node has earned.")
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation { .node(.claimRewards) }
    }
}

struct ComputeProofCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proof",
        abstract: "Answer rounds of proofs by hand; `tally worker` does it by itself.",
        subcommands: [ProofCommit.self, ProofReveal.self, ProofAttest.self])

    struct ProofCommit: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "commit", abstract: "Bind your node to its answer.")
        @Option(name: .long, help: ArgumentHelp("Number of the round.", valueName: "number"))
        var round: UInt64
        @Option(name: .long, help: ArgumentHelp("Root of the answer.", valueName: "hash"))
        var root: HashArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .proof(.commit(round: round, root: root.value))
        }
    }

    struct ProofReveal: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "reveal", abstract: "Open what was drawn of your node's answer.")
        @Option(name: .long, help: ArgumentHelp("Number of the round.", valueName: "number"))
        var round: UInt64
        @Option(
            name: .long,
            help: ArgumentHelp("Weight of verifying the network's task.", valueName: "gas"))
        var weight: UInt64
        @Option(name: .long, help: ArgumentHelp("The opening.", valueName: "hex"))
        var opening: BytesArgument
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .proof(.reveal(round: round, weight: weight, opening: opening.value))
        }
    }

    struct ProofAttest: ComputeVerb {
        static let configuration = CommandConfiguration(
            commandName: "attest", abstract: "Attest, as a drawn validator, a node's time.")
        @Option(name: .long, help: ArgumentHelp("Owner of the node.", valueName: "address"))
        var node: AddressArgument
        @Option(name: .long, help: ArgumentHelp("Number of the round.", valueName: "number"))
        var round: UInt64
        @Option(
            name: .long,
            help: ArgumentHelp("From the challenge to the commitment.", valueName: "ms"))
        var milliseconds: UInt64
        @OptionGroup var options: ComputeOptions

        func operation() -> TallyTransactions.Operation {
            .proof(
                .attest([
                    ProofAttestation(
                        node: node.value, round: round, milliseconds: milliseconds)
                ]))
        }
    }
}
