"""Who may ask: tokens, the built-in issuer, permissions, the directory and its administration."""
