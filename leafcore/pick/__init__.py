"""Picking an epoch: what each epoch's fakes are worth, which epoch that speaks for, and what people say."""
