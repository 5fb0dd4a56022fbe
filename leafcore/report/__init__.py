"""Reports: a comparison as one page that needs no network, its tables, its model card, and the way to replay it."""
