"""The parts of Microsoft's SDK that the tests use.

It warns of its own parts wherever it is imported, and tests take warnings for errors.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import ClientSecretCredential
    from kiota_abstractions.authentication import (
        AccessTokenProvider,
        AllowedHostsValidator,
        BaseBearerTokenAuthenticationProvider,
    )
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from kiota_abstractions.default_query_parameters import QueryParameters
    from kiota_abstractions.request_adapter import RequestAdapter
    from kiota_abstractions.request_information import RequestInformation
    from kiota_http.httpx_request_adapter import HttpxRequestAdapter
    from kiota_http.middleware.options.retry_handler_option import RetryHandlerOption
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError
    from msgraph.generated.models.secure_score import SecureScore
    from msgraph.generated.models.secure_score_control_profile import SecureScoreControlProfile
    from msgraph.generated.models.security_vendor_information import SecurityVendorInformation
    from msgraph.generated.security.secure_score_control_profiles import (
        secure_score_control_profiles_request_builder,
    )
    from msgraph.generated.security.secure_score_control_profiles.item import (
        secure_score_control_profile_item_request_builder,
    )
    from msgraph.generated.security.secure_scores.secure_scores_request_builder import (
        SecureScoresRequestBuilder,
    )
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph.graph_service_client import GraphServiceClient
    from msgraph_core.middleware.async_graph_transport import AsyncGraphTransport
    from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
    from msgraph_core.requests.batch_request_content import BatchRequestContent
    from msgraph_core.requests.batch_request_item import BatchRequestItem
    from msgraph_core.requests.batch_response_content import BatchResponseContent
    from msgraph_core.tasks.page_iterator import PageIterator

SecureScoreControlProfileItemRequestBuilder = (
    secure_score_control_profile_item_request_builder.SecureScoreControlProfileItemRequestBuilder
)
SecureScoreControlProfilesRequestBuilder = (
    secure_score_control_profiles_request_builder.SecureScoreControlProfilesRequestBuilder
)

__all__ = [
    "AccessTokenProvider",
    "AllowedHostsValidator",
    "AsyncGraphTransport",
    "BaseBearerTokenAuthenticationProvider",
    "BatchRequestBuilder",
    "BatchRequestContent",
    "BatchRequestItem",
    "BatchResponseContent",
    "ClientAuthenticationError",
    "ClientSecretCredential",
    "GraphRequestAdapter",
    "GraphServiceClient",
    "HttpxRequestAdapter",
    "ODataError",
    "PageIterator",
    "QueryParameters",
    "RequestAdapter",
    "RequestConfiguration",
    "RequestInformation",
    "RetryHandlerOption",
    "SecureScore",
    "SecureScoreControlProfile",
    "SecureScoreControlProfileItemRequestBuilder",
    "SecureScoreControlProfilesRequestBuilder",
    "SecureScoresRequestBuilder",
    "SecurityVendorInformation",
]
