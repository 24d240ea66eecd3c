"""An emulator of Konaplate: checks requests as the vendor does, knows fictitious cards, and fails on demand."""
