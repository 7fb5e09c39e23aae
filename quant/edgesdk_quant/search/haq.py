"""Bit allocation by a reinforcement-learning agent, for comparison.

Wang et al. 2019, "HAQ: Hardware-Aware Automated Quantization with Mixed Precision": a DDPG agent
(Lillicrap et al. 2016) goes through the layers, its action in [0, 1] picks a layer's width
(section 3.2), widths are lowered one after another until the budget holds (section 3.3), and the
reward of the whole episode is the quality (section 3.4), here the output's SQNR in units of 10 dB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgesdk_quant.search.choices import Allocation, Choice, Table, allocation, refuse_impossible

HIDDEN = 64
WARM_UP = 0.25  # share of the episodes that explore at random
NOISE = 0.5
NOISE_DECAY = 0.97
BATCH = 64
STEPS = 20  # gradient steps after an episode


def allocate_by_agent(
    table: Table,
    budget: float,
    unit: str,
    damage: Callable[[Mapping[str, int]], float],
    episodes: int,
    seed: int = 0,
) -> Allocation:
    """The best allocation that the agent met.

    Args:
        table: choices of each layer; their damages are not looked at.
        budget: most that the costs may add up to.
        unit: of the costs, for errors.
        damage: noise of a whole allocation as a share of the outputs' power; one call an episode.
        episodes: how many allocations it may try.
        seed: of all draws.

    Raises:
        RecipeError: the budget is impossible.
    """
    refuse_impossible(table, budget, unit)
    agent = _Agent(np.random.default_rng(seed), seed)
    states = _states(table)
    best: tuple[float, dict[str, Choice]] | None = None
    for episode in range(episodes):
        actions = agent.act(states, explore=episode < WARM_UP * episodes)
        chosen = _within(table, _widths(table, actions), budget)
        found = damage({node: choice.bits for node, choice in chosen.items()})
        if best is None or found < best[0]:
            best = (found, chosen)
        agent.learn(states, _actions(table, chosen), -np.log10(max(found, 1e-12)))
    if best is None:
        raise ValueError(f"{episodes} episodes were given; give 1 or more")
    return allocation(table, best[1])


def _states(table: Table) -> NDArray[np.float32]:
    """float32 [layers, 4]: place, share of the cost, logarithm of the cost, what could be saved."""
    costs = np.array([[min(c.cost for c in cs), max(c.cost for c in cs)] for cs in table.values()])
    share = costs[:, 1] / max(costs[:, 1].sum(), 1e-30)
    place = np.linspace(0, 1, len(costs))
    logarithm = np.log10(np.maximum(share, 1e-9)) / 9 + 1
    saved = (costs[:, 1] - costs[:, 0]) / np.maximum(costs[:, 1], 1e-30)
    return np.stack([place, share, logarithm, saved], axis=1).astype(np.float32)


def _widths(table: Table, actions: NDArray[np.float32]) -> dict[str, Choice]:
    chosen = {}
    for (node, choices), action in zip(table.items(), actions, strict=True):
        ordered = sorted(choices, key=lambda c: c.bits)
        chosen[node] = ordered[min(int(action * len(ordered)), len(ordered) - 1)]
    return chosen


def _actions(table: Table, chosen: Mapping[str, Choice]) -> NDArray[np.float32]:
    """The middle of the interval that leads to each chosen width."""
    found = []
    for node, choices in table.items():
        ordered = sorted(choices, key=lambda c: c.bits)
        found.append((ordered.index(chosen[node]) + 0.5) / len(ordered))
    return np.array(found, np.float32)


def _within(table: Table, chosen: dict[str, Choice], budget: float) -> dict[str, Choice]:
    """Lower the widths one layer after another, from the first, until the budget holds."""
    total = sum(choice.cost for choice in chosen.values())
    while total > budget:
        for node, choices in table.items():
            cheaper = [c for c in choices if c.cost < chosen[node].cost]
            if total > budget and cheaper:
                lower = max(cheaper, key=lambda c: c.cost)
                total += lower.cost - chosen[node].cost
                chosen[node] = lower
    return chosen


class _Agent:
    """Actor and critic with one step of memory: the reward is the episode's, discount 1."""

    def __init__(self, draws: np.random.Generator, seed: int) -> None:
        torch.manual_seed(seed)
        self._draws = draws
        self._actor = _network(4, nn.Sigmoid())
        self._critic = _network(5, nn.Identity())
        self._actor_steps = torch.optim.Adam(self._actor.parameters(), lr=1e-3)
        self._critic_steps = torch.optim.Adam(self._critic.parameters(), lr=1e-2)
        self._memory: list[tuple[NDArray[np.float32], NDArray[np.float32], float]] = []
        self._noise = NOISE

    def act(self, states: NDArray[np.float32], *, explore: bool) -> NDArray[np.float32]:
        if explore:
            return np.asarray(self._draws.random(len(states)), np.float32)
        with torch.no_grad():
            means = self._actor(torch.from_numpy(states)).numpy().ravel()
        self._noise *= NOISE_DECAY
        noisy = means + self._noise * self._draws.standard_normal(len(means))
        return np.asarray(np.clip(noisy, 0, 1), np.float32)

    def learn(
        self, states: NDArray[np.float32], actions: NDArray[np.float32], reward: float
    ) -> None:
        self._memory.append((states, actions, float(reward)))
        mean = float(np.mean([r for *_, r in self._memory]))
        for _ in range(STEPS):
            state, action, value = self._batch(mean)
            error = (self._critic(torch.cat([state, action], 1)) - value).square().mean()
            self._step(self._critic_steps, error)
            wish = -self._critic(torch.cat([state, self._actor(state)], 1)).mean()
            self._step(self._actor_steps, wish)

    def _batch(self, mean: float) -> tuple[Tensor, Tensor, Tensor]:
        episodes = self._draws.integers(len(self._memory), size=BATCH)
        layers = self._draws.integers(len(self._memory[0][0]), size=BATCH)
        picked = [(self._memory[e], layer) for e, layer in zip(episodes, layers, strict=True)]
        state = torch.from_numpy(np.stack([m[0][layer] for m, layer in picked]))
        action = torch.from_numpy(np.stack([m[1][layer] for m, layer in picked]))[:, None]
        value = torch.tensor([[m[2] - mean] for m, _ in picked])
        return state, action, value

    @staticmethod
    def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _network(inputs: int, last: nn.Module) -> nn.Sequential:
    hidden = (nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU())
    return nn.Sequential(*hidden, nn.Linear(HIDDEN, 1), last)
