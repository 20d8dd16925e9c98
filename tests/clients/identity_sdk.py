"""The parts of azure-identity and MSAL that the tests use.

They warn of parts of their own wherever they are imported, and tests take warnings for errors.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import CertificateCredential, ClientSecretCredential
    from msal import ConfidentialClientApplication  # type: ignore[import-untyped] # It ships no types.

__all__ = [
    "CertificateCredential",
    "ClientAuthenticationError",
    "ClientSecretCredential",
    "ConfidentialClientApplication",
]
