"""Names for the types of arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Costs = NDArray[np.float32]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]
Draws = NDArray[np.uint64]
