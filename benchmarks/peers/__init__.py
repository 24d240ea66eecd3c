"""The servers that the gateway is compared with: the same signed and sealed calls, and no other check."""
