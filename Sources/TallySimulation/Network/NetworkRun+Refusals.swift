import TallyConsensus

/// What validators that keep the rules hold against each other (SIM-38).
extension NetworkRun {
    /// Whatever a validator that keeps the rules sends, however late and whatever it lost, others
    /// that keep them do not take for an offence.
    func checkRefusal(_ refusal: MessageRefusal, from sender: Int, _ node: VirtualValidator) {
        guard node.isHonest, nodes[sender].isHonest, refusal.isOffence else { return }
        fail(
            .refusals,
            "node \(node.index) holds a message of honest node \(sender) for an offence: "
                + "\(refusal)")
    }
}
