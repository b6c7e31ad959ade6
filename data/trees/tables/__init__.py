"""An arborist's phone works on a job in rounds; what the reviewer approves is kept as the final."""

from data.trees.tables.devices import Device
from data.trees.tables.finals import Artifact, JobEvent, JobFinal, JobGeojsonExport
from data.trees.tables.jobs import (
    SCHEMA,
    BillingProfile,
    Customer,
    Job,
    JobAssignment,
    Operator,
    RuntimeCounter,
    Tree,
)
from data.trees.tables.rounds import JobRound, RoundImage, RoundRecording

__all__ = [
    "SCHEMA", "Artifact", "BillingProfile", "Customer", "Device", "Job", "JobAssignment", "JobEvent", "JobFinal",
    "JobGeojsonExport", "JobRound", "Operator", "RoundImage", "RoundRecording", "RuntimeCounter", "Tree",
]  # fmt: skip
