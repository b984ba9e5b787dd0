"""Keeps the demo's books a second time: from published events and the rules, to the base unit."""

from collections import defaultdict

from rules import Node, ShardPool, bond, node_emission, trade_rewards

TREASURY = "0x000000000000000000000000000000000000c000"
SYSTEM = "0xfffffffffffffffffffffffffffffffffffffffe"
ZERO = b"\0" * 32


class Check:
    def __init__(self, genesis, history):
        self.genesis, self.history = genesis, history
        self.economy = genesis["economy"]
        self.epoch_length = genesis["epochMilliseconds"]
        self.opening = genesis["timeMilliseconds"] // self.epoch_length
        self.results = []

    def expect(self, what, actual, expected):
        self.results.append(actual == expected)
        mark = "ok  " if actual == expected else "FAIL"
        print(f"  {mark} {what}: {actual}" + ("" if actual == expected else f", not {expected}"))

    def run(self):
        print("Every figure again, from events and rules:")
        self.rewards()
        self.trades()
        self.jobs()
        self.accounts()
        return sum(self.results), len(self.results) - sum(self.results)

    def receipts(self):
        for height, block in enumerate(self.history.blocks):
            for receipt in block:
                yield height, receipt

    def events(self):
        for _, receipt in self.receipts():
            yield from receipt["events"]

    def epoch(self, height):
        """A shard block reads the time of its parent beacon block (SHARD-6)."""
        return self.history.times[max(height - 1, 0)] // self.epoch_length

    # Accounts: fees and values out, everything else by an event.

    def accounts(self):
        change = defaultdict(int)
        for _, receipt in self.receipts():
            if receipt["from"] != SYSTEM:
                change[receipt["from"]] -= int(receipt["gasUsed"], 16) * int(
                    receipt["effectiveGasPrice"], 16
                )
                if receipt["status"] == "0x1":
                    change[receipt["from"]] -= self.history.values[receipt["transactionHash"]]
            for event in receipt["events"]:
                self.move(event, change)
        for account in self.genesis["accounts"]:
            address = account["address"]
            expected = int(account["balance"]) + change[address]
            if address in change:
                self.expect(f"balance of {address}", self.history.balances[address], expected)

    def move(self, event, change):
        fields = event.fields
        if event.name == "PayoutPaid" and not fields["escrowed"]:
            change[fields["to"]] += fields["value"]
        elif event.name == "CrossShardRefunded":
            change[fields["from"]] += fields["value"]
        elif event.name == "CrossShardCredited":
            change[fields["to"]] += fields["value"]
        elif event.name == "FeesSwept" and fields["id"] == ZERO:
            change[fields["beneficiary"]] += fields["value"]

    # Rewards: what each node earned follows from the measured powers and the schedule.

    def rewards(self):
        schedule = self.economy["nodeRewards"]["schedule"]
        cap = int(self.economy["nodeRewards"]["cap"])
        pools = defaultdict(lambda: ShardPool(self.opening))
        nodes, expected, claimed, minted = defaultdict(Node), defaultdict(int), defaultdict(int), []
        owners = {}
        for event in self.events():
            fields, pool = event.fields, pools[event.shard]
            if event.name == "ProofMeasured":
                pool.set_weight(
                    nodes[fields["node"]], fields["power"] * 10_000, self.epoch(event.block)
                )
            elif event.name in ("NodeOffline", "NodeRetired"):
                pool.set_weight(nodes[fields["node"]], 0, self.epoch(event.block))
            elif event.name == "RewardsArrived":
                pool.arrive(fields["epoch"], fields["nodes"])
            elif event.name == "RewardsClaimed":
                owners[fields["node"]] = fields["owner"]
                claimed[fields["node"]] += fields["value"]
                expected[fields["node"]] += pool.claim(nodes[fields["node"]])
            elif event.name == "EpochMinted" and fields["nodes"]:
                minted.append((fields["epoch"], fields["nodes"]))
        for epoch, amount in minted:
            wanted = node_emission(
                int(schedule["first"]), schedule["epochsPerPeriod"], cap, epoch - self.opening
            )
            self.expect(f"node rewards of epoch {epoch - self.opening}", amount, wanted)
        self.expect("epochs with rewards", len(minted) > 1, True)
        for node, amount in claimed.items():
            self.expect(f"rewards drawn by {owners[node]}", amount, expected[node])
        self.expect("nodes with rewards", len(claimed), 2)

    # Trades and jobs: each amount by its rule.

    def trades(self):
        rule = self.economy["trade"]
        executed = [event for event in self.events() if event.name == "TradeExecuted"]
        owed = {event.fields["trade"]: event for event in self.events() if event.name == "TradeOwed"}
        paid = defaultdict(int)
        for event in self.events():
            if event.name == "TradeRewarded":
                paid[event.fields["trade"]] += event.fields["amount"]
        self.expect("trades", len(executed), 1)
        for event in executed:
            fields = event.fields
            period = (self.epoch(event.block) - self.opening) // rule["epochsPerPeriod"] + 1
            fee, buyer, provider = trade_rewards(
                fields["price"], rule["feeBps"], rule["ratioScale"], period
            )
            self.expect("fee of the trade", fields["fee"], fee)
            rewards = owed[fields["trade"]].fields
            self.expect("reward owed to the buyer", rewards["buyerReward"], buyer)
            self.expect("reward owed to the provider", rewards["providerReward"], provider)
            self.expect("rewards of the trade paid", paid[fields["trade"]], buyer + provider)

    def jobs(self):
        rule = self.economy["jobs"]
        prices, providers, payouts, ratings = {}, {}, defaultdict(int), defaultdict(list)
        for event in self.events():
            fields = event.fields
            if event.name == "JobAssigned":
                prices[fields["id"]], providers[fields["id"]] = fields["price"], fields["provider"]
            elif event.name == "PayoutPaid":
                payouts[fields["object"], fields["to"]] += fields["value"]
            elif event.name == "NodeRated":
                ratings[fields["job"]].append((fields["owner"], fields["good"]))
        closed = [event for event in self.events() if event.name == "JobClosed"]
        self.expect("jobs closed after work, and for want of it", [
            sum(event.fields["id"] in prices for event in closed),
            sum(event.fields["id"] not in prices for event in closed),
        ], [3, 1])
        opened = [event.fields["passed"] for event in self.events() if event.name == "TaskRevealed"]
        self.expect("seals of hidden tasks opened, and passed", opened, [False])
        for event in closed:
            order, reason = event.fields["id"], event.fields["reason"]
            if order not in prices:
                self.expect("an order without a lease expired", reason, 4)
                continue
            price, provider = prices[order], providers[order]
            deposit = bond(price, rule["bondBps"])
            lost = deposit * rule["slashBps"] // 10_000 if reason == 6 else 0
            earned = price if reason == 1 else 0
            self.expect(
                f"paid to the provider of the job that was {'settled' if reason == 1 else 'slashed'}",
                payouts[order, provider], earned + deposit - lost,
            )
            self.expect(
                "what the provider's node counts of it", ratings[order], [(provider, reason == 1)]
            )
            escrow = next(
                created.fields["escrow"] for created in self.events()
                if created.name == "JobCreated" and created.fields["id"] == order
            )
            self.expect("escrow back to the buyer", event.fields["refunded"], escrow - earned)
        self.reputation([rating for found in ratings.values() for rating in found])
        self.expect("a job was slashed", 6 in [event.fields["reason"] for event in closed], True)

    def reputation(self, ratings):
        """What the nodes say of themselves is what was counted (NODE-11)."""
        for owner, node in self.history.nodes.items():
            counted = [sum(o == owner and good is kind for o, good in ratings) for kind in (True, False)]
            self.expect(
                f"deliveries and failures of {owner}", [node["deliveries"], node["failures"]], counted
            )
