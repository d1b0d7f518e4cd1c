"""TPM Institute's lead service: rooms over the core, doors over the rooms (docs/architecture.md)."""
