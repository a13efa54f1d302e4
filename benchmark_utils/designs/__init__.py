"""Space-filling designs that no package offers: n points in [0, 1]^d."""
