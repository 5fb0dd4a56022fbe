"""What the pages share: cached reads, forms, live panels, charts and pictures."""
