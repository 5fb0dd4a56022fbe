"""Export: synthetic pictures, alone or among the real ones, as a ZIP that other programs read and anybody can check."""
