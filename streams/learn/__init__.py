"""learn: cells summed over their sources, published as metrics, and the policy fitted to them."""
