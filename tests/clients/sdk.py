"""The parts of Microsoft's SDK that the tests use.

It warns of its own parts wherever it is imported, and tests take warnings for errors.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import ClientSecretCredential
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from kiota_abstractions.default_query_parameters import QueryParameters
    from kiota_http.httpx_request_adapter import HttpxRequestAdapter
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError
    from msgraph.generated.models.secure_score import SecureScore
    from msgraph.generated.models.secure_score_control_profile import SecureScoreControlProfile
    from msgraph.generated.models.security_vendor_information import SecurityVendorInformation
    from msgraph.generated.security.secure_scores.secure_scores_request_builder import (
        SecureScoresRequestBuilder,
    )
    from msgraph.graph_service_client import GraphServiceClient
    from msgraph_core.middleware.async_graph_transport import AsyncGraphTransport  # type: ignore[import-untyped] # Nor this.
    from msgraph_core.tasks.page_iterator import PageIterator  # type: ignore[import-untyped] # It ships no types.

__all__ = [
    "AsyncGraphTransport",
    "ClientAuthenticationError",
    "ClientSecretCredential",
    "GraphServiceClient",
    "HttpxRequestAdapter",
    "ODataError",
    "PageIterator",
    "QueryParameters",
    "RequestConfiguration",
    "SecureScore",
    "SecureScoreControlProfile",
    "SecureScoresRequestBuilder",
    "SecurityVendorInformation",
]
