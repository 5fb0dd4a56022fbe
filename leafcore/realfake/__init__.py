"""Real or fake, by machine: can a classifier tell synthetic pictures from photographs that nothing has learned from?"""
