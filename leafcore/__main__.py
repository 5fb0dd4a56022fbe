"""`python -m leafcore`."""

import os
import sys

# Threads that wait for each other by spinning make training a hundred times slower as soon as another process wants a
# core (measured with a niced worker on two cores). It must be said before torch loads its OpenMP library.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# GPUs are counted as the driver counts them; torch would put the fastest first.
os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")

from leafcore.cli import main

for stream in (sys.stdout, sys.stderr):  # a pipe on Windows knows no arrow, and a title may hold one
    stream.reconfigure(errors="replace")  # type: ignore[union-attr]

sys.exit(main())
