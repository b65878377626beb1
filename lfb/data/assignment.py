"""The best one-to-one assignment of the rows of a matrix to its columns."""

import numpy as np
from numpy.typing import NDArray


def assign(weight: NDArray[np.floating]) -> list[tuple[int, int]]:
    """Return the pairs of rows and columns that have the highest sum of weights.

    This is the Hungarian method with shortest augmenting paths (Jonker and Volgenant, 1987). Of
    assignments with equal sums, the same matrix always gives the same one.

    Args:
        weight: (M, N) weights, at least 0. A pair of weight 0 is not allowed.

    Returns:
        (row, column) pairs by rising row. No row or column is in two of them.
    """
    if len(weight) > len(weight.T):
        return sorted((row, column) for column, row in assign(weight.T))
    rows, columns = weight.shape
    allowed = weight > 0
    if (allowed.sum(0) <= 1).all() and (allowed.sum(1) <= 1).all():  # nothing competes
        return [(int(row), int(column)) for row, column in np.argwhere(allowed)]

    # Prices keep cost - row_price - column_price at least 0, and at 0 for assigned pairs.
    # Column N is none of the matrix: each path begins there with the new row.
    row_price, column_price = np.zeros(rows), np.zeros(columns + 1)
    owner = np.full(columns + 1, -1)  # the row of each column
    for row in range(rows):
        owner[columns] = row
        visited = np.zeros(columns + 1, bool)
        distance = np.full(columns, np.inf)  # of the shortest path to each column
        before = np.full(columns, columns)  # the column before it on that path
        column = columns
        while owner[column] >= 0:
            visited[column] = True
            last, ahead = owner[column], ~visited[:columns]
            step = -weight[last] - row_price[last] - column_price[:columns]
            shorter = ahead & (step < distance)
            distance[shorter], before[shorter] = step[shorter], column
            column = int(np.where(ahead, distance, np.inf).argmin())
            change = distance[column]
            row_price[owner[visited]] += change
            column_price[visited] -= change
            distance[ahead] -= change
        while column != columns:  # each row on the path moves to the next column of it
            owner[column] = owner[before[column]]
            column = before[column]
    pairs = [(int(owner[column]), column) for column in range(columns)]
    return sorted((row, column) for row, column in pairs if row >= 0 and allowed[row, column])
