"""The service document."""

from stanchion.model.json_text import parse_json
from stanchion.model.service import service_document


def test_a_root_has_the_security_singleton() -> None:
    assert parse_json(service_document("https://localhost:8080", "v1.0")) == {
        "@odata.context": "https://localhost:8080/v1.0/$metadata",
        "value": [{"name": "security", "kind": "Singleton", "url": "security"}],
    }
