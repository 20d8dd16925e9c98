"""Addresses made of the templates of routes."""


def addressed(path: str) -> str:
    """Return the address of an object of which a route has the place, and of a property that it has."""
    name = path.split("/")[2] if "{property}" in path else ""
    items = {"secureScores": "controlScores", "userSecurityProfiles": "accounts"}.get(
        name, "complianceInformation"
    )
    named = path.replace("{property}/$value", "id/$value").replace("{property}/$count", f"{items}/$count")
    return named.replace("{property}", "vendorInformation").replace("{id}", "an-id")
