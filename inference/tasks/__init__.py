"""Typed tasks that one bundle answers: each is a record, asked for in words, and answered under the checks of copy.

records       what is asked: one frozen type a task
wordings      how it may be asked for, as data
prompts       a record in words
taught        tasks.json: what a bundle was tuned for, and what was held out
likelihood    how likely a bundle finds answers, on ONNX Runtime
titles        words of a search that are true of a product, and a title's own check
faults        what is wrong with a text that answers
answers       records in, answers out, for one bundle

The instruction set follows LLaMA-E (arXiv 2308.04913): what seller, shopper and platform say stands in every prompt.
"""
