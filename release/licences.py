"""Whether what is installed with the wheel may be: `python -m release.licences` reads the licence of each package.

- A package says its licence by an SPDX expression (PEP 639), by classifiers, or in words. The first of these counts.
- Of alternatives (`OR`) one must be allowed, of what is joined (`AND`) all.
- Who works on Stanchion may use other tools: only what runs with it is judged.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType

from packaging.markers import Marker

from release.checkout import ROOT
from release.lock import read_lock, running

# They permit use in a program under Apache-2.0. MPL-2.0 asks for the sources of its own files alone, which are open.
ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Unlicense",
        "Zlib",
    }
)

# What older metadata say, as SPDX says it. A BSD licence of whichever number of clauses is allowed.
_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "apache software license": "Apache-2.0",
        "apache license, version 2.0": "Apache-2.0",
        "bsd license": "BSD-3-Clause",
        "bsd": "BSD-3-Clause",
        "isc license (iscl)": "ISC",
        "mit license": "MIT",
        "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
        "python software foundation license": "PSF-2.0",
        "the unlicense (unlicense)": "Unlicense",
        "zlib/libpng license": "Zlib",
    }
)
_CLASSIFIER = "License :: "
_LONGEST_NAME = 60  # Some put the whole text where a name belongs.


def main() -> None:
    """Print what each package is under; status 1 names those that may not be installed with Stanchion."""
    packages = running(read_lock(ROOT / "requirements.lock"))
    names = sorted({each.name for each in packages if not each.marker or Marker(each.marker).evaluate()})
    licences = {name: licence_of(name) for name in names}
    for name, licence in licences.items():
        print(f"{name}: {licence}")
    refused = [f"{name} ({licence})" for name, licence in licences.items() if not is_allowed(licence)]
    if refused:
        sys.exit(f"Error: not among the licences of {Path(__file__).name}: {', '.join(refused)}.")
    print(f"All {len(names)} packages that run with Stanchion are under licences that allow it.")


def licence_of(package: str) -> str:
    """Return the licence of a package as it says it, "unknown" if it does not, "not installed" if it is not."""
    try:
        found = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return "not installed"
    if expression := "".join(found.get_all("License-Expression", [])):
        return expression
    classified = [
        line.rpartition(" :: ")[2]
        for line in found.get_all("Classifier", [])
        if line.startswith(_CLASSIFIER) and not line.endswith("OSI Approved")
    ]
    words = "".join(found.get_all("License", [])).strip()
    return _joined(classified) or (words if 0 < len(words) <= _LONGEST_NAME else "") or "unknown"


def is_allowed(licence: str) -> bool:
    """Say whether a licence, or an SPDX expression without brackets, is one that we may run with."""
    return any(
        all(_spdx(part) in ALLOWED for part in re.split(r"\s+AND\s+", alternative))
        for alternative in re.split(r"\s+OR\s+", licence.strip())
    )


def _joined(licences: Iterable[str]) -> str:
    # Classifiers do not say whether one may choose; so each of them must be allowed.
    return " AND ".join(sorted({_spdx(each) for each in licences}))


def _spdx(name: str) -> str:
    return _SPELLINGS.get(name.strip().lower(), name.strip())


if __name__ == "__main__":
    main()
