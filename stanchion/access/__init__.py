"""Who may ask: tokens, the built-in issuer and others, permissions, the directory and its administration."""
