"""The parts of Microsoft's SDK for beta that the tests use; see `sdk` for why they are imported here."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from msgraph_beta.generated.models.o_data_errors.o_data_error import ODataError as BetaODataError
    from msgraph_beta.generated.models.secure_score_control_profile import (
        SecureScoreControlProfile as BetaSecureScoreControlProfile,
    )
    from msgraph_beta.generated.models.security_vendor_information import (
        SecurityVendorInformation as BetaSecurityVendorInformation,
    )
    from msgraph_beta.generated.models.user_security_profile import UserSecurityProfile
    from msgraph_beta.generated.security.secure_scores.secure_scores_request_builder import (
        SecureScoresRequestBuilder as BetaSecureScoresRequestBuilder,
    )
    from msgraph_beta.generated.security.user_security_profiles.user_security_profiles_request_builder import (
        UserSecurityProfilesRequestBuilder,
    )
    from msgraph_beta.graph_service_client import GraphServiceClient as BetaServiceClient

__all__ = [
    "BetaODataError",
    "BetaSecureScoreControlProfile",
    "BetaSecureScoresRequestBuilder",
    "BetaSecurityVendorInformation",
    "BetaServiceClient",
    "UserSecurityProfile",
    "UserSecurityProfilesRequestBuilder",
]
