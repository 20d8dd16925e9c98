"""The bill of materials of a release: what is installed with the wheel when it runs, as CycloneDX in JSON.

It is made from the lock file, and has no time but the commit's and no chance in it. A package may be installed from
any of the files whose hashes the lock holds. Source: CycloneDX 1.6.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from release.build import Built, sha256
from release.checkout import ReleaseError
from release.lock import PROJECT, Pinned


def write_bill(built: Built, packages: Sequence[Pinned], file: Path, *, epoch_seconds: int) -> None:
    """Write the bill of a wheel and of what it needs to run; raises ReleaseError when it breaks the schema."""
    wheel_hash = sha256(built.wheel)
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"urn:sha256:{wheel_hash}"))
    bom.metadata.timestamp = datetime.fromtimestamp(epoch_seconds, UTC)
    bom.metadata.component = _product(built, wheel_hash)
    components = {package: _component(package) for package in packages}
    bom.components.update(components.values())
    for package, component in components.items():
        needed = [other for candidate, other in components.items() if package.name in candidate.via]
        bom.register_dependency(component, needed)
    direct = [component for package, component in components.items() if PROJECT in package.via]
    bom.register_dependency(bom.metadata.component, direct)
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        raise ReleaseError(f"The bill of materials breaks its schema: {fault}")
    file.write_text(f"{text}\n", encoding="utf-8")


def _product(built: Built, wheel_hash: str) -> Component:
    purl = PackageURL("pypi", None, "stanchion", built.version)
    return Component(
        type=ComponentType.APPLICATION,
        name="stanchion",
        version=built.version,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=[DisjunctiveLicense(id="Apache-2.0")],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=wheel_hash)],
    )


def _component(package: Pinned) -> Component:
    purl = PackageURL("pypi", None, package.name, package.version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(purl.to_string()),
        comment="The files that may be installed, one of which is.",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in package.hashes],
    )
    where = [Property(name="stanchion:marker", value=package.marker)] if package.marker else []
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=purl,
        bom_ref=purl.to_string(),
        external_references=[files],
        properties=where,
    )
