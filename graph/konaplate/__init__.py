"""The Konaplate Open API, one vendor's REST protocol: wire format, encryption, records and client."""
