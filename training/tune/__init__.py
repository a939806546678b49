"""Any causal language model, tuned on a shop's own approved copy and made into a bundle.

folder        whose a run's folder is, and what was asked for
reading       examples read, what is left out told and kept
slotting      facts in a text become slots
sift          approved copy to rows that do to learn from, and reasons for the others
tokens        slots become tokens of a model's own tokenizer
adapt         which weights learn: low-rank adapters or all
course        the training loop, and its state on disk
needs         what a run needs, told before it begins
product       checkpoint, graph, gates, bundle
card          the model card of a tuned bundle
run           one run from examples to bundle
"""
