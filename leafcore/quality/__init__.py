"""Image quality: how like real pictures synthetic sets are, how varied, and whether they repeat what was learned."""
