"""An emulator of Konaplate: checks what the vendor checks, knows invented cards, and fails on demand."""
