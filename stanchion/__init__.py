"""A self-hosted Secure Score ledger that speaks Microsoft Graph's security-posture API."""

__version__ = "0.1.0"
