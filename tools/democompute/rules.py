"""The economy's rules once more, for the demo's check: written from Specs/economy.md, not from the engine."""

from dataclasses import dataclass, field

FIXED = 1 << 64


def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def node_emission(first, per_period, cap, epoch):
    """ECON-8, ECON-10, literal reading: what epoch `epoch`, from 0, mints for nodes."""

    def total(epochs):
        whole, rest = divmod(epochs, per_period)
        full = sum(first // fibonacci(n) for n in range(1, whole + 1))
        return min(full + first // fibonacci(whole + 1) * rest // per_period, cap)

    return total(epoch + 1) - total(epoch)


def trade_rewards(price, fee_bps, scale, period):
    """ECON-15, ECON-16: fee, buyer's and provider's reward of a price."""

    def parts(n):
        if n == 1:
            return scale
        a, b = fibonacci(n - 1), fibonacci(n)
        return (2 * a * scale + b) // (2 * b)

    rate = 10**18
    for n in range(2, period + 1):
        rate = rate * parts(n) // scale
    fee = price - price * (10_000 - fee_bps) // 10_000
    one = 10_000 * 10**18 * scale
    df = parts(period)
    return (
        fee,
        price * fee_bps * rate * df // one,
        price * fee_bps * rate * (scale - df) // one,
    )


def bond(price, bond_bps):
    """JOB-9, of a fixed price."""
    return -(-price * bond_bps // 10_000)


@dataclass
class Node:
    """EPOCH-5: a node's weights, and what it has earned."""

    steps: list = field(default_factory=list)  # [epoch, weight, index at its beginning or None]
    accrued: int = 0
    weight: int = 0


class ShardPool:
    """ECON-18: a shard's index, and what its nodes draw of it."""

    def __init__(self, opening):
        self.next = opening
        self.index = 0
        self.history = {opening: 0}  # index at the beginning of an epoch
        self.steps = []  # [epoch, total weight]

    def weight(self, epoch):
        found = [weight for first, weight in self.steps if first <= epoch]
        return found[-1] if found else 0

    def arrive(self, epoch, nodes):
        assert epoch == self.next, "shares arrive in order"
        weight = self.weight(epoch)
        if weight:
            self.index += nodes * FIXED // weight
        self.next += 1
        self.history[self.next] = self.index

    def accrue(self, node):
        while node.steps and node.steps[0][0] <= self.next:
            epoch, weight, start = node.steps[0]
            if start is None:
                start = self.history[epoch]
            if len(node.steps) > 1 and node.steps[1][0] <= self.next:
                end = self.history[node.steps[1][0]]
                node.accrued += weight * (end - start) // FIXED
                node.steps.pop(0)
                continue
            node.accrued += weight * (self.index - start) // FIXED
            node.steps[0] = [self.next, weight, self.index]
            if weight == 0:
                node.steps.pop(0)
            return

    def set_weight(self, node, weight, epoch):
        """From the epoch after `epoch` on."""
        if weight == node.weight:
            return
        self.accrue(node)
        total = (self.steps[-1][1] if self.steps else 0) - node.weight + weight
        for steps, value in ((self.steps, [epoch + 1, total]), (node.steps, [epoch + 1, weight, None])):
            if steps and steps[-1][0] == epoch + 1:
                steps.pop()
            steps.append(value)
        node.weight = weight

    def claim(self, node):
        self.accrue(node)
        amount, node.accrued = node.accrued, 0
        return amount
