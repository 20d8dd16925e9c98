"""How the API is asked, and in what form it answers: OData 4.01 as Microsoft Graph speaks it."""
