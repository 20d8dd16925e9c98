"""What the API says: entity types, each declared once, and the documents derived from them."""
