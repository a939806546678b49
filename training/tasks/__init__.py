"""Typed tasks in a tuning: examples made from a shop's own data, and what a bundle makes of them.

held       what no tuning sees: products, categories, texts
titles     searches, and the titles that answer them
examples   one example of each task
mix        the examples of one run, beside the approved copy
score      what an answer is worth, and what an answer without a model would be
measure    every task on every split, apart
card       the figures as a table
readings   files of products and labelled texts

Examples of title_rewrite, cta, classify and qa are synthetic: made by rules from the catalogue, and said to be so
wherever their figures stand. `ad` and `intent` are learned from what people wrote and labelled.
"""
