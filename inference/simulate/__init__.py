"""Known truths to try a policy on: past tests whose arms have rates, and shoppers whose rates are made up."""
