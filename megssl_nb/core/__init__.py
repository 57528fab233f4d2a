"""What every room stands on: configurations and errors, digests and random streams, whole files, the record of a run."""
from .config import *
from .files import *
from .record import *
