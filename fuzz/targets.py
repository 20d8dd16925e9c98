"""What is fuzzed, by name: each target with the modules that read a stranger's input there.

Their names are those of the folders in `fuzz/corpus`, where inputs are kept. A test holds that no module which reads
input is without a target, and that each target reaches the modules that it names.
"""

from collections.abc import Mapping
from types import MappingProxyType

from fuzz import bodies, documents, headers, requests, texts, tokens
from fuzz.target import Reads, Target, reading


def _served() -> Reads:
    # A whole server takes half a minute to instrument, which the other targets need not wait for.
    from fuzz.served import Served

    return Served()


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "filter": reading(
            requests.fuzz_filter,
            "odata.filter.calls",
            "odata.filter.casting",
            "odata.filter.comparing",
            "odata.filter.literals",
            "odata.filter.operands",
            "odata.filter.parse",
            "odata.filter.paths",
            "odata.filter.shapes",
            "odata.filter.tokens",
            "odata.filter.typing",
        ),
        "url": reading(requests.fuzz_url, "odata.url"),
        "options": reading(
            requests.fuzz_options, "odata.aliases", "odata.options", "odata.orderby", "odata.select"
        ),
        "links": reading(requests.fuzz_links, "odata.delta", "odata.paging"),
        "batch": reading(requests.fuzz_batch, "odata.batch"),
        "fields": reading(
            headers.fuzz_fields,
            "odata.header_fields",
            "odata.negotiation",
            "odata.preferences",
            "odata.style",
            "web.compression",
        ),
        "media": reading(headers.fuzz_media, "odata.negotiation"),
        "etags": reading(headers.fuzz_etags, "odata.etags"),
        "traces": reading(headers.fuzz_traces, "web.trace_context"),
        "hosts": reading(headers.fuzz_hosts, "access.origin", "web.cors"),
        "operations": Target(headers.operations_reader, ("web.operations_listener",)),
        "json": reading(bodies.fuzz_json, "model.json_text"),
        "entity": reading(bodies.fuzz_entity, "model.check"),
        "decision": reading(bodies.fuzz_decision, "ledger.decisions", "ledger.plain_requests"),
        "properties": reading(
            bodies.fuzz_properties, "ledger.control_bodies", "odata.property_value", "odata.select"
        ),
        "bearer": Target(
            tokens.Bearer, ("access.bearer", "access.claims", "access.own_tokens", "access.token")
        ),
        "assertion": Target(tokens.Assertions, ("access.client_assertion",)),
        "form": reading(tokens.fuzz_form, "access.claims_challenge", "access.token_request"),
        "claims": reading(tokens.fuzz_claims, "access.external_claims"),
        "export": reading(
            documents.fuzz_export,
            "importers.graph",
            "importers.kind",
            "importers.powershell",
            "importers.retarget",
            "importers.shape",
            "importers.spans",
        ),
        "lines": reading(documents.fuzz_lines, "importers.shape", "importers.spans"),
        "archive": reading(documents.fuzz_archive, "importers.container"),
        "encoding": reading(documents.fuzz_encoding, "importers.encoding"),
        "keys": reading(documents.fuzz_keys, "access.key_set"),
        "discovery": reading(documents.fuzz_discovery, "access.discovery"),
        "certificate": reading(documents.fuzz_certificate, "access.client_certificate"),
        "settings": Target(
            documents.settings_reader, ("access.key_file", "cli.settings_file", "cli.sources", "settings")
        ),
        "instant": reading(texts.fuzz_instant, "model.instant"),
        "ids": reading(texts.fuzz_ids, "access.permission", "access.tenants", "settings"),
        "addresses": reading(texts.fuzz_addresses, "access.issuer_entry", "access.web_address"),
        "request": Target(
            _served, ("access.attempts", "web.denial", "web.exchange", "web.issuer", "web.surfaces")
        ),
    }
)
