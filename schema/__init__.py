"""The GraphQL contract: types, scalars, errors, and the ports that an implementation must offer."""
