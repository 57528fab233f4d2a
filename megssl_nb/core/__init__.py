"""What every room stands on: configurations, errors, digests, random streams, whole files, the record of a run."""
from .config import *
from .files import *
from .record import *
from .registry import *
