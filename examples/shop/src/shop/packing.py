"""Packing items into as few parcels as possible."""

from __future__ import annotations

from collections.abc import Sequence


def first_fit(weights: Sequence[int], limit: int) -> list[list[int]]:
    """Pack heaviest first into the first parcel with room: quick, not always best.

    >>> first_fit([4, 8, 1, 4, 2, 1], 10)
    [[8, 2], [4, 4, 1, 1]]
    """
    _check(weights, limit)
    parcels: list[list[int]] = []
    for weight in sorted(weights, reverse=True):
        for parcel in parcels:
            if sum(parcel) + weight <= limit:
                parcel.append(weight)
                break
        else:
            parcels.append([weight])
    return parcels


def fewest_parcels(weights: Sequence[int], limit: int) -> int:
    """The smallest possible number of parcels, by branch and bound.

    >>> fewest_parcels([5, 4, 3, 3, 3, 2], 10), len(first_fit([5, 4, 3, 3, 3, 2], 10))
    (2, 3)
    """
    _check(weights, limit)
    ordered = sorted(weights, reverse=True)
    best = len(first_fit(ordered, limit))
    bound = -(-sum(ordered) // limit)
    loads: list[int] = []

    def place(index: int) -> None:
        nonlocal best
        if best == bound or len(loads) >= best:
            return
        if index == len(ordered):
            best = len(loads)
            return
        weight = ordered[index]
        tried = set()
        for parcel, load in enumerate(loads):
            if load + weight <= limit and load not in tried:
                tried.add(load)
                loads[parcel] += weight
                place(index + 1)
                loads[parcel] -= weight
        loads.append(weight)
        place(index + 1)
        loads.pop()

    place(0)
    return best


def _check(weights: Sequence[int], limit: int) -> None:
    if any(weight <= 0 for weight in weights):
        raise ValueError("weights are positive")
    if weights and max(weights) > limit:
        raise ValueError(f"an item of {max(weights)} does not fit a parcel of {limit}")
