"""Several aims in one tuning, each with a weight and a switch of its own: `patter train --objective FILE.toml`.

config        what is asked for: the terms, their weights, all of them off as they come
siblings      tokens that would complete what a sibling text says
calls         which tokens of a text call to action
conversion    how well a text is expected to do: by a model of it, or by what it was seen to do
marked        rows with what the loss needs to know of each token
loss          cross-entropy, unlikelihood, weights of tokens and of examples
reward        what a written text is worth: four terms, and gates that no weight can buy
gates         the faults that serving would find in a text
sampling      texts drawn from a model that is being trained
plateau       the learning rate, lowered where the held-out reward stands still
scored        drawn texts with their rewards
preference    pairs of a better and a worse text
dpo           direct preference optimisation on them
moods         the sentiment that texts have against the one that was asked for
told          what a model card says of it
aim           all of it for one run
"""
