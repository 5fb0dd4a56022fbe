"""Everything that can go wrong, drawn as a tree.

```
LeafError                    one clear line: what, where, got, expected, and what to do
├── InputError               what the user gave is wrong         exit 2   HTTP 422
│   ├── ConfigError            a setting, a flag, a name
│   │   └── DeviceMissing        a device that this machine does not have
│   ├── DatasetError           a dataset, a table, an image, a label
│   ├── CheckpointError        weights or masks that do not fit
│   ├── NotFoundError          nothing by that name               exit 2   HTTP 404
│   └── TooLarge               more than may be uploaded          exit 2   HTTP 413
└── RunError                 the run failed; what it saved stays  exit 1   HTTP 409
    ├── JobError               a lane, a lock, a worker process
    ├── TrainingDiverged       a loss is no longer a number
    ├── OutOfMemory            the device or the machine is full
    ├── DriverError            the GPU or its driver gave up
    ├── DiskFull               the disk is full
    └── AccessDenied           a file or folder may not be read or written
Stopped                      not an error: somebody asked the run to stop
```

The faces translate: the command line into an exit code and one line on stderr, the API into a status, a page into
`st.error`. A message is a sentence for a person; `code` is the word that programs compare.
"""

import errno
import re

__all__ = [
    "AccessDenied",
    "CheckpointError",
    "ConfigError",
    "DatasetError",
    "DeviceMissing",
    "DiskFull",
    "DriverError",
    "InputError",
    "JobError",
    "LeafError",
    "NotFoundError",
    "OutOfMemory",
    "RunError",
    "Stopped",
    "TooLarge",
    "TrainingDiverged",
    "as_leaf_error",
]


class LeafError(Exception):
    """A failure that one clear line explains."""

    code = "error"
    exit_code = 1
    http_status = 500


class InputError(LeafError):
    """What the user gave is wrong."""

    code = "input"
    exit_code = 2
    http_status = 422


class ConfigError(InputError):
    """A setting, a flag or a name is wrong."""

    code = "config"


class DeviceMissing(ConfigError):
    """A device is asked for that this machine does not have."""

    code = "device"


class DatasetError(InputError):
    """A dataset, a table, an image or a label is wrong."""

    code = "dataset"


class CheckpointError(InputError):
    """Weights or masks do not fit what they are used for."""

    code = "checkpoint"


class NotFoundError(InputError):
    """There is nothing by that name."""

    code = "not_found"
    http_status = 404


class TooLarge(InputError):
    """More was sent than may be uploaded."""

    code = "too_large"
    http_status = 413


class RunError(LeafError):
    """A run failed; what it saved stays, and it can be resumed."""

    code = "run"
    http_status = 409


class JobError(RunError):
    """A lane, a lock or a worker process is in the way."""

    code = "job"


class TrainingDiverged(RunError):
    """A loss is no longer a number."""

    code = "diverged"


class OutOfMemory(RunError):
    """The device or the machine has no memory left."""

    code = "out_of_memory"


class DriverError(RunError):
    """The GPU or its driver gave up."""

    code = "driver"


class DiskFull(RunError):
    """The disk has no room left."""

    code = "disk_full"


class AccessDenied(RunError):
    """The system does not let this program read or write a file or folder."""

    code = "access_denied"


class Stopped(Exception):
    """Somebody asked the run to stop, and what it had is saved."""


_DRIVER = re.compile(r"(CUDA|cuDNN|CUBLAS|NVML|HIP|NCCL) (error|driver)|NVIDIA driver", re.IGNORECASE)


def as_leaf_error(error: BaseException) -> LeafError | None:
    """Translate a failure of the machine into one of ours.

    Args:
        error: What was raised.

    Returns:
        The error itself if it is ours; `DiskFull`, `AccessDenied`, `OutOfMemory` or `DriverError` for a full disk, a
        file or folder that is out of reach, a full memory, a GPU that gave up; otherwise None.
    """
    if isinstance(error, LeafError):
        return error
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        where = f" while writing {error.filename}" if error.filename else ""
        return DiskFull(f"The disk is full{where}: free some space, then resume; what was saved before stays.")
    cpu_is_full = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)  # torch says so, on a CPU
    if isinstance(error, OSError) and error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        where = f" to {error.filename}" if error.filename else ""
        return AccessDenied(
            f"The system refuses access{where} ({error.strerror}): allow this user to read and write there, or choose "
            "another workspace with LEAF_WORKSPACE."
        )
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or cpu_is_full:
        return OutOfMemory("The memory is full: choose a smaller batch, a smaller image size or a smaller network.")
    if type(error).__name__ == "AcceleratorError" or _DRIVER.search(str(error)):
        first = str(error).strip().splitlines()[0].rstrip(".")
        return DriverError(f"The GPU or its driver gave up ({first}): resume, or compute on another device.")
    return None
