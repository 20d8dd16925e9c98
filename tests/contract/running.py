"""A run of schemathesis: requests made up from a description, sent over loopback HTTP, their answers judged by it.

- Three of four ids that it makes up are replaced by ids that are there, so that as many requests reach an entity.
  What is deleted is not asked for otherwise.
- Each operation has its turn: those for which the time did not suffice are tried once more by themselves.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import EngineEvent, FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import CheckNode, ScenarioRecorder
from schemathesis.hooks import HookContext

from stanchion.model.json_text import JsonObject

# What every answer must hold to: the description of what was asked.
CONFORMANCE = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
)
# What a description must hold to: that it says exactly what is taken.
EXACTNESS = (
    *CONFORMANCE,
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
)
_REFUSED_FROM = 400
# Each has its own share of the time, so that none keeps the others from their turn.
PHASES = (("examples", "coverage"), ("fuzzing",), ("stateful",))
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


@dataclass(frozen=True)
class Finding:
    """An answer that a check refused, with enough to repeat it."""

    check: str
    operation: str
    method: str
    url: str
    request_body: str
    status: int
    answer: str
    message: str

    @property
    def path(self) -> str:
        """The path and query that were asked."""
        parts = urlsplit(self.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def __str__(self) -> str:
        lines = [
            f"{self.check}: {self.operation}: {self.message}",
            f"  {self.method} {self.path}",
            f"  {self.request_body[:300]}" if self.request_body else "",
            f"  {self.status} {self.answer[:300]}",
        ]
        return "\n".join(line for line in lines if line)


@dataclass
class Outcome:
    """What came of a run."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def success(self) -> float:
        """The share of the requests that were answered with what they asked for."""
        done = sum(number for status, number in self.statuses.items() if status < _REFUSED_FROM)
        return done / max(1, self.cases)

    def never_called(self, description: JsonObject) -> list[str]:
        """List the operations of a description that no request was answered of, in their order there."""
        return [label for label in labels(description) if not self.operations[label]]


@dataclass(frozen=True)
class Effort:
    """How much is tried: examples for each operation, and the longest time for all."""

    examples: int
    seconds: int
    seed: int = 1


# What fits a description, or that and what does not.
Mode = Literal["positive", "all"]


@dataclass(frozen=True)
class Target:
    """A server with a tenant in it: a token for it, and the ids that are there by the set that has them."""

    base_url: str
    token: str
    tenant: str
    ids: Mapping[str, Sequence[str]]


def run(
    description: JsonObject, target: Target, *, checks: Sequence[str], effort: Effort, mode: Mode = "all"
) -> Outcome:
    """Try a description against a server."""
    outcome = Outcome()
    for phases in PHASES:
        _try(description, target, _config(target, checks, phases=phases, effort=effort, mode=mode), outcome)
    if missed := outcome.never_called(description):
        # However busy the machine is: each of them is to have its turn.
        once = replace(effort, examples=1, seconds=60 * len(PHASES))
        config = _config(target, checks, phases=("fuzzing",), effort=once, mode=mode)
        _try(_only(description, missed), target, config, outcome)
    return outcome


def labels(description: JsonObject) -> Iterator[str]:
    """Yield the operations of a description as schemathesis names them: `GET /security/secureScores`."""
    for path, item in cast("dict[str, JsonObject]", description["paths"]).items():
        for method in item:
            if method in _METHODS:
                yield _label(path, method)


def _label(path: str, method: str) -> str:
    return f"{method.upper()} {path}"


def _only(description: JsonObject, operations: Collection[str]) -> JsonObject:
    """Return a description of these operations alone; what is said of a whole path stays."""
    paths: JsonObject = {}
    for path, item in cast("dict[str, JsonObject]", description["paths"]).items():
        if any(_label(path, method) in operations for method in item):
            paths[path] = {
                name: value
                for name, value in item.items()
                if name not in _METHODS or _label(path, name) in operations
            }
    return {**description, "paths": paths}


def _try(description: JsonObject, target: Target, config: SchemathesisConfig, outcome: Outcome) -> None:
    schema = schemathesis.openapi.from_dict(description, config=config)
    schema.hook("map_path_parameters")(_with_known_ids(target.ids))
    schema.hook("map_body")(_of_tenant(target.tenant))
    for event in from_schema(schema).execute():
        _follow(event, outcome)


def _follow(event: EngineEvent, outcome: Outcome) -> None:
    match event:
        case ScenarioFinished(recorder=recorder):
            _count(outcome, recorder)
        case NonFatalError(value=error, label=label):
            outcome.errors.append(f"{label}: {error}")
        case FatalError(exception=error):
            outcome.errors.append(str(error))


def _config(
    target: Target, checks: Sequence[str], *, phases: Sequence[str], effort: Effort, mode: Mode
) -> SchemathesisConfig:
    every_phase = (phase for group in PHASES for phase in group)
    return SchemathesisConfig.from_dict(
        {
            "base-url": target.base_url,
            "headers": {"Authorization": f"Bearer {target.token}"},
            "continue-on-failure": True,
            "seed": effort.seed,
            "max-time": max(1, effort.seconds // len(PHASES)),
            "request-timeout": 60,
            "checks": {"enabled": False, **{name: {"enabled": True} for name in checks}},
            "generation": {
                "mode": mode,
                "max-examples": effort.examples,
                "no-shrink": True,
                "database": "none",
            },
            "phases": {phase: {"enabled": phase in phases} for phase in every_phase},
        }
    )


# As schemathesis hands them out: JSON values by the names of parameters, or a body.
Parts = dict[str, Any]
Hook = Callable[[HookContext, Any], Any]


def _with_known_ids(ids: Mapping[str, Sequence[str]]) -> Hook:
    numbers = count()

    def map_path_parameters(context: HookContext, path_parameters: Parts | None) -> Parts | None:
        if not path_parameters or context.operation is None:
            return path_parameters
        known = known_ids(ids, context.operation.path, method=context.operation.method)
        return {
            name: _id_there(known, next(numbers), made_up=value) if _is_key(name) else value
            for name, value in path_parameters.items()
        }

    return map_path_parameters


def _is_key(name: str) -> bool:
    return name == "id" or name.endswith("-id")


def _id_there(known: Sequence[str], number: int, *, made_up: object) -> object:
    """Return an id that is there, the next for each number, but for every fourth that was made up."""
    return known[number % len(known)] if known and number % 4 else made_up


def _of_tenant(tenant: str) -> Hook:
    def map_body(_: HookContext, body: object) -> object:
        named = isinstance(body, dict) and "azureTenantId" in body
        return {**body, "azureTenantId": tenant} if isinstance(body, dict) and named else body

    return map_body


def known_ids(ids: Mapping[str, Sequence[str]], path: str, *, method: str) -> Sequence[str]:
    """Return the ids of the set that a path is of: the second half is for what deletes."""
    known = next((known for entity_set, known in ids.items() if f"/{entity_set}/" in path), ())
    half = len(known) // 2
    return known[half:] if method.upper() == "DELETE" else known[:half]


def _count(outcome: Outcome, recorder: ScenarioRecorder) -> None:
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is not None:
            outcome.cases += 1
            # The label of a stateful scenario is that of no operation; its cases know theirs.
            operation = recorder.cases[case_id].value.operation
            # Some cases try a path with a method that it has not.
            if interaction.request.method.upper() == operation.method.upper():
                outcome.operations[operation.label] += 1
            outcome.statuses[interaction.response.status_code] += 1
    for case_id, checks in recorder.checks.items():
        outcome.findings += _findings(recorder, case_id, checks)


def _findings(recorder: ScenarioRecorder, case_id: str, checks: list[CheckNode]) -> Iterator[Finding]:
    sent, response = recorder.interactions[case_id].request, recorder.interactions[case_id].response
    for check in checks:
        if check.failure_info is not None and response is not None:
            failure = check.failure_info.failure
            yield Finding(
                check=check.name,
                operation=recorder.cases[case_id].value.operation.label,
                method=sent.method,
                url=sent.uri,
                request_body=(sent.body or b"").decode("utf-8", "replace"),
                status=response.status_code,
                answer=response.content.decode("utf-8", "replace"),
                message=f"{failure.title}: {failure.message}",
            )
